/* The signer against published signatures: Amazon's Signature Version 4 test suite and the examples
 * of the S3 API reference ("Signature Calculations for the Authorization Header"). */
#include "tools/fetch/s3/sigv4.h"

#include "message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

/* The keys of both sets are Amazon's published examples and open nothing. */
static struct sigv4_signer suite_signer(void)
{
    return (struct sigv4_signer){.key_id = "AKIDEXAMPLE",
                                 .secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                                 .region = "us-east-1",
                                 .service = "service"};
}
static struct sigv4_signer s3_signer(void)
{
    return (struct sigv4_signer){.key_id = "AKIAIOSFODNN7EXAMPLE",
                                 .secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                                 .region = "us-east-1",
                                 .service = "s3"};
}

static const struct sigv4_field suite_fields[] = {{"host", "example.amazonaws.com"},
                                                  {"x-amz-date", "20150830T123600Z"}};
static const struct sigv4_field s3_fields[] = {{"host", "examplebucket.s3.amazonaws.com"},
                                               {"x-amz-content-sha256", SIGV4_EMPTY},
                                               {"x-amz-date", "20130524T000000Z"}};
static const struct sigv4_field range_fields[] = {{"host", "examplebucket.s3.amazonaws.com"},
                                                  {"range", "bytes=0-9"},
                                                  {"x-amz-content-sha256", SIGV4_EMPTY},
                                                  {"x-amz-date", "20130524T000000Z"}};

/* Signs, and looks for the signature at the end of the header. */
static void expect(const char *name, struct sigv4_signer *signer, struct sigv4_request request,
                   const char *stamp, const char *signature)
{
    struct text authorization = {0};
    assert_int_equal(sigv4_sign(signer, &request, stamp, &authorization), 0);
    char *found = strstr(authorization.at, "Signature=");
    assert_non_null(found);
    if (strcmp(found + 10, signature) != 0)
        fail_msg("%s: %s", name, found + 10);
    text_free(&authorization);
}

/* Its cases, by their names; path and query in their canonical form, as the signer wants them. */
static void test_suite(void **state)
{
    (void)state;
    static const struct {
        const char *name, *method, *path, *query, *signature;
    } row[] = {
        {"get-vanilla", "GET", "/", "",
         "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        {"post-vanilla", "POST", "/", "",
         "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
        {"get-vanilla-empty-query-key", "GET", "/", "Param1=value1",
         "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
        {"get-vanilla-query-order-key-case", "GET", "/", "Param1=value1&Param2=value2",
         "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
        {"get-vanilla-query-order-value", "GET", "/", "Param1=value1&Param1=value2",
         "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694"},
        {"get-vanilla-utf8-query", "GET", "/", "%E1%88%B4=bar",
         "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
        {"get-utf8", "GET", "/%E1%88%B4", "",
         "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
        {"get-space", "GET", "/example%20space/", "",
         "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
        {"get-unreserved", "GET",
         "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "",
         "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
        {"get-vanilla-query-unreserved", "GET", "/",
         "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz="
         "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
         "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
    };
    struct sigv4_signer signer = suite_signer();
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct sigv4_request request = {row[i].method, row[i].path, row[i].query,
                                        suite_fields,  2,           SIGV4_EMPTY};
        expect(row[i].name, &signer, request, "20150830T123600Z", row[i].signature);
    }
}

/* The suite's token of a session, signed as a header of its own: post-sts-header-before. */
static void test_session_token(void **state)
{
    (void)state;
    static const struct sigv4_field fields[] = {
        {"host", "example.amazonaws.com"},
        {"x-amz-date", "20150830T123600Z"},
        {"x-amz-security-token",
         "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwA"
         "eMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8p"
         "hUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT"
         "38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabI"
         "Qwj2ICCR/oLxBA=="}};
    struct sigv4_signer signer = suite_signer();
    struct sigv4_request request = {"POST", "/", "", fields, 3, SIGV4_EMPTY};
    expect("post-sts-header-before", &signer, request, "20150830T123600Z",
           "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead");
}

static void test_s3_examples(void **state)
{
    (void)state;
    struct sigv4_signer signer = s3_signer();
    expect("S3", &signer,
           (struct sigv4_request){"GET", "/test.txt", "", range_fields, 4, SIGV4_EMPTY},
           "20130524T000000Z", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
    expect("S3", &signer,
           (struct sigv4_request){"GET", "/", "max-keys=2&prefix=J", s3_fields, 3, SIGV4_EMPTY},
           "20130524T000000Z", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
    expect("S3", &signer,
           (struct sigv4_request){"GET", "/", "lifecycle=", s3_fields, 3, SIGV4_EMPTY},
           "20130524T000000Z", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
}

static void test_whole_header(void **state)
{
    (void)state;
    struct sigv4_signer signer = s3_signer();
    struct sigv4_request request = {"GET", "/test.txt", "", range_fields, 4, SIGV4_EMPTY};
    struct text authorization = {0};
    assert_int_equal(sigv4_sign(&signer, &request, "20130524T000000Z", &authorization), 0);
    assert_string_equal(
        authorization.at,
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
    assert_null(strstr(authorization.at, signer.secret));
    text_free(&authorization);
}

/* The derived key is kept for its day only: a day later and back again. */
static void test_day_changes(void **state)
{
    (void)state;
    struct sigv4_signer kept = suite_signer();
    struct sigv4_request request = {"GET", "/", "", suite_fields, 2, SIGV4_EMPTY};
    struct text first = {0}, later = {0}, fresh = {0};
    assert_int_equal(sigv4_sign(&kept, &request, "20150830T123600Z", &first), 0);
    assert_int_equal(sigv4_sign(&kept, &request, "20150831T000000Z", &later), 0);
    struct sigv4_signer other = suite_signer();
    assert_int_equal(sigv4_sign(&other, &request, "20150831T000000Z", &fresh), 0);
    assert_string_equal(later.at, fresh.at);
    assert_string_not_equal(later.at, first.at);
    expect("kept", &kept, request, "20150830T123600Z",
           "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
    text_free(&first);
    text_free(&later);
    text_free(&fresh);
}

static void test_encoding(void **state)
{
    (void)state;
    static const char plain[] = "Az09-._~ /+&=%#\xc3\xbc*'()\n";
    struct text path = {0}, query = {0};
    text_encode(&path, plain, sizeof plain - 1, "/");
    assert_string_equal(path.at, "Az09-._~%20/%2B%26%3D%25%23%C3%BC%2A%27%28%29%0A");
    text_encode(&query, "a/b", 3, "");
    assert_string_equal(query.at, "a%2Fb");
    text_free(&path);
    text_free(&query);
}

static void test_time(void **state)
{
    (void)state;
    char stamp[17];
    sigv4_time(stamp, 1440938160);
    assert_string_equal(stamp, "20150830T123600Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_suite),       cmocka_unit_test(test_session_token),
        cmocka_unit_test(test_s3_examples), cmocka_unit_test(test_whole_header),
        cmocka_unit_test(test_day_changes), cmocka_unit_test(test_encoding),
        cmocka_unit_test(test_time),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
