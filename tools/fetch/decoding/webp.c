#include "decoding/formats.h"

#include "message.h"
#include "decoding/orient.h"

#include <string.h>
#include <webp/decode.h>
#include <webp/demux.h>

/* What the chunk EXIF says; some programs begin it as a JPEG has it. */
static unsigned orientation(const WebPDemuxer *file)
{
    WebPChunkIterator chunk;
    unsigned found = 0;
    if (!WebPDemuxGetChunk(file, "EXIF", 1, &chunk))
        return 0;
    size_t skip = chunk.chunk.size > 6 && memcmp(chunk.chunk.bytes, "Exif\0", 6) == 0 ? 6 : 0;
    found = orient_exif(chunk.chunk.bytes + skip, chunk.chunk.size - skip);
    WebPDemuxReleaseChunkIterator(&chunk);
    return found;
}

/* The first frame, at its place on the canvas; what it does not cover is transparent. */
static int read_pixels(const WebPDemuxer *file, const WebPIterator *frame, struct pixels *out)
{
    uint32_t height = WebPDemuxGetI(file, WEBP_FF_CANVAS_HEIGHT);
    uint32_t width = WebPDemuxGetI(file, WEBP_FF_CANVAS_WIDTH);
    uint32_t channels = frame->has_alpha ? 4 : 3;
    WebPBitstreamFeatures features;
    int is_lossless =
        WebPGetFeatures(frame->fragment.bytes, frame->fragment.size, &features) == VP8_STATUS_OK &&
        features.format == 2;
    /* Of pixels without loss libwebp keeps all, in four bytes each, until it has the last one. */
    if (is_lossless && (size_t)frame->width * (size_t)frame->height > DECODE_MAX_BYTES / 4)
        return fail("WebP: an image of %d x %d pixels without loss takes more than %d MiB to "
                    "decode; convert it to PNG",
                    frame->height, frame->width, DECODE_MAX_BYTES >> 20);
    if (pixels_shape(out, height, width, channels) < 0)
        return -1;
    size_t size = (size_t)height * width * channels;
    size_t start = ((size_t)frame->y_offset * width + (size_t)frame->x_offset) * channels;
    memset(out->data, 0, size);
    uint8_t *(*decode_into)(const uint8_t *, size_t, uint8_t *, size_t, int) =
        channels == 4 ? WebPDecodeRGBAInto : WebPDecodeRGBInto;
    if (decode_into(frame->fragment.bytes, frame->fragment.size, out->data + start, size - start,
                    (int)(width * channels)) == NULL)
        return fail("WebP: the data of the pixels is damaged");
    if (channels == 4)
        pixels_over_black(out);
    return 0;
}

int decode_webp(const uint8_t *bytes, size_t size, struct pixels *out)
{
    WebPDemuxer *file = WebPDemux(&(WebPData){bytes, size});
    if (file == NULL)
        return fail("WebP: the file is damaged or ends in the middle");
    WebPIterator frame;
    int done;
    if (WebPDemuxGetFrame(file, 1, &frame) && frame.complete)
        done = read_pixels(file, &frame, out);
    else
        done = fail("WebP: there is no picture in it");
    WebPDemuxReleaseIterator(&frame);
    out->orientation = orientation(file);
    WebPDemuxDelete(file);
    return done;
}
