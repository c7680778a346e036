#include "s3/request.h"

#include "message.h"

#include <stdlib.h>
#include <string.h>

int s3_open(struct s3 **s3, const struct access_options *options,
            const struct cancellation *cancellation)
{
    *s3 = NULL;
    struct access access;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return fail("libcurl cannot start");
    if ((options != NULL ? access_find(&access, options) : access_for_pages(&access)) < 0) {
        curl_global_cleanup();
        return -1;
    }
    *s3 = ealloc(1, sizeof **s3);
    (*s3)->access = access;
    (*s3)->cancellation = *cancellation;
    return 0;
}

void s3_close(struct s3 *s3)
{
    if (s3 == NULL)
        return;
    access_free(&s3->access);
    curl_global_cleanup();
    free(s3);
}

int s3_is_url(const char *source)
{
    return strncmp(source, "s3://", 5) == 0;
}
