/* Pages of listings and error documents. */
#include "tools/fetch/s3/s3xml.h"

#include "message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define OBJECT(key, size, etag)                                                                    \
    "<Contents><Key>" key "</Key><Size>" size "</Size><ETag>" etag "</ETag></Contents>"

static char bucket[] = "b", no_folder[] = "", folder[] = "f/";

static int parse(const char *inside, struct s3_listing *listing, struct text *next)
{
    char xml[2048];
    int size = snprintf(xml, sizeof xml,
                        "<?xml version=\"1.0\"?>\n<ListBucketResult "
                        "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                        "%s</ListBucketResult>",
                        inside);
    assert_in_range(size, 1, sizeof xml - 1);
    return s3xml_page((const uint8_t *)xml, (size_t)size, listing->folder, listing, next);
}

static void release(struct s3_listing *listing, struct text *next)
{
    for (size_t i = 0; i < listing->count; i++)
        free(listing->object[i].key);
    free(listing->object);
    for (size_t i = 0; i < listing->prefixes; i++)
        free(listing->prefix[i]);
    free(listing->prefix);
    text_free(next);
}

static void test_two_pages(void **state)
{
    (void)state;
    struct s3_listing listing = {.bucket = bucket, .folder = no_folder};
    struct text next = {0};
    assert_int_equal(
        parse("<IsTruncated>true</IsTruncated><EncodingType>url</EncodingType>"
              "<NextContinuationToken>a+/=&amp;%2B</NextContinuationToken>" OBJECT(
                  "a%2Bb%20c+d%2Fe.png", "12", "&quot;0123456789abcdef0123456789abcdef&quot;")
                  OBJECT("%C3%BC%0A%26", "0", "\"x-2\""),
              &listing, &next),
        0);
    assert_string_equal(next.at, "a+/=&%2B"); /* the token is not encoded */
    assert_int_equal(
        parse("<IsTruncated>false</IsTruncated>" OBJECT("100%25", "18446744073709551614", ""),
              &listing, &next),
        0);
    assert_string_equal(next.at, "");
    assert_int_equal(listing.count, 3);
    assert_string_equal(listing.object[0].key, "a+b c d/e.png");
    assert_int_equal(listing.object[0].size, 12);
    assert_string_equal(listing.object[0].etag, "0123456789abcdef0123456789abcdef");
    assert_string_equal(listing.object[1].key, "\xc3\xbc\n&");
    assert_string_equal(listing.object[1].etag, "x-2");
    assert_string_equal(listing.object[2].key, "100%25"); /* this page was not encoded */
    assert_string_equal(listing.object[2].etag, "");
    release(&listing, &next);
}

/* Empty objects that end in a slash go, others stay; CommonPrefixes and Owner are no objects. */
static void test_folder_marks(void **state)
{
    (void)state;
    struct s3_listing listing = {.bucket = bucket, .folder = folder};
    struct text next = {0};
    assert_int_equal(
        parse(OBJECT("f/", "0", "") OBJECT("f/x/", "3", "")
                  OBJECT("f/y", "0", "") "<CommonPrefixes><Prefix>f/z/</Prefix></CommonPrefixes>",
              &listing, &next),
        0);
    assert_int_equal(listing.count, 2);
    assert_string_equal(listing.object[0].key, "f/x/");
    assert_string_equal(listing.object[1].key, "f/y");
    assert_int_equal(listing.prefixes, 1);
    assert_string_equal(listing.prefix[0], "f/z/");
    release(&listing, &next);
}

static void expect_error(const char *inside, const char *part)
{
    struct s3_listing listing = {.bucket = bucket, .folder = folder};
    struct text next = {0};
    assert_int_equal(parse(inside, &listing, &next), -1);
    assert_non_null(strstr(why(), part));
    release(&listing, &next);
}

static void test_bad_pages(void **state)
{
    (void)state;
    expect_error(OBJECT("g/1", "1", ""), "outside the folder");
    expect_error(OBJECT("f/1", "1", "") "<IsTruncated>frue</IsTruncated>",
                 "whether there are more");
    expect_error(OBJECT("f/1", "1", "") "<KeyCount>2</KeyCount>", "another number of keys");
    expect_error("<CommonPrefixes><Prefix>g/</Prefix></CommonPrefixes>", "a folder outside");
    expect_error(OBJECT("", "1", ""), "without key or size");
    expect_error(OBJECT("f/1", "-1", ""), "without key or size");
    expect_error("<Contents><Key>f/1</Key></Contents>", "without key or size");
    expect_error("<Contents><Key>f/1</Contents>", "damaged");
    expect_error("<IsTruncated>true</IsTruncated>", "but not where");
}

/* A name of a thousand words that each are a thousand more, and a key longer than keys are. */
static void test_words_and_keys_without_end(void **state)
{
    (void)state;
    static const char xml[] =
        "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">]>"
        "<ListBucketResult>" OBJECT("f/&b;", "1", "") "</ListBucketResult>";
    struct s3_listing listing = {.bucket = bucket, .folder = folder};
    struct text next = {0};
    assert_int_equal(s3xml_page((const uint8_t *)xml, sizeof xml - 1, folder, &listing, &next), -1);
    assert_string_equal(why(), "the listing is damaged: it has a DOCTYPE");
    release(&listing, &next);
    char page[1400];
    for (int is_object = 0; is_object < 2; is_object++) {
        snprintf(page, sizeof page,
                 is_object ? "<Contents><Key>f/%01023d</Key><Size>1</Size></Contents>"
                           : "<CommonPrefixes><Prefix>f/%01023d/</Prefix></CommonPrefixes>",
                 0);
        expect_error(page, "more than 1024 bytes");
    }
}

static void test_error_code(void **state)
{
    (void)state;
    static const struct {
        const char *xml, *code;
    } row[] = {{"<Error><Code>NoSuchKey</Code><Message>x</Message></Error>", "NoSuchKey"},
               {"<Error><Code>Slow", "Slow"},
               {"<Error><Code>a\x1b[31m</Code>", "a"},
               {"<html>", ""},
               {"", ""}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        char code[64];
        s3xml_error((const uint8_t *)row[i].xml, strlen(row[i].xml), "<Code>", code, sizeof code);
        assert_string_equal(code, row[i].code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_pages),  cmocka_unit_test(test_folder_marks),
        cmocka_unit_test(test_bad_pages),  cmocka_unit_test(test_words_and_keys_without_end),
        cmocka_unit_test(test_error_code),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
