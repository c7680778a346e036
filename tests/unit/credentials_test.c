/* Where keys, region and endpoint come from, and in which order. */
#include "tools/fetch/credentials/credentials.h"

#include "message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char credentials_file[64], config_file[64];

static void write_file(char path[64], const char *text)
{
    snprintf(path, 64, "/tmp/psweep-credentials-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

/* Two files with the profiles default, lab, half and role, and nothing else in the environment. */
static int set_up(void **state)
{
    (void)state;
    clearenv();
    write_file(credentials_file,
               "# keys\n[default]\naws_access_key_id = ID1\naws_secret_access_key=hidden1\n"
               "[half]\naws_access_key_id = ID2\n");
    write_file(config_file,
               "[default]\nregion = eu-west-1\r\n"
               "[profile \"lab\"]\naws_access_key_id = ID3\naws_secret_access_key = S/3+x=\n"
               "aws_session_token = T3\nservices = here\nregion=eu-lab-2\nmax_attempts = 7\n"
               "endpoint_url = http://general:1\n"
               "[profile role]\nrole_arn = arn:x\n"
               "[profile style]\ns3 =\n  addressing_style = sideways\n"
               "[services here]\ns3 =\n  endpoint_url = http://s3:1/\nec2 =\n  endpoint_url = "
               "http://ec2:1\n");
    setenv("AWS_SHARED_CREDENTIALS_FILE", credentials_file, 1);
    setenv("AWS_CONFIG_FILE", config_file, 1);
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(credentials_file);
    unlink(config_file);
    return 0;
}

static struct access found(struct access_options options)
{
    struct access access;
    if (access_find(&access, &options) < 0)
        fail_msg("%s", why());
    return access;
}

static void expect_keys(const struct access *access, const char *key_id, const char *secret,
                        const char *token)
{
    const struct keys *keys = cache_keys(access->cache, time(NULL));
    assert_string_equal(keys->key_id, key_id);
    assert_string_equal(keys->secret, secret);
    if (token)
        assert_string_equal(keys->token, token);
    else
        assert_null(keys->token);
}

static void expect_error(struct access_options options, const char *part)
{
    struct access access;
    assert_int_equal(access_find(&access, &options), -1);
    if (strstr(why(), part) == NULL)
        fail_msg("\"%s\" has no \"%s\"", why(), part);
    assert_null(strstr(why(), "hidden"));
}

static void test_default_profile(void **state)
{
    (void)state;
    struct access access = found((struct access_options){0});
    expect_keys(&access, "ID1", "hidden1", NULL);
    assert_string_equal(access.region, "eu-west-1");
    assert_null(access.endpoint);
    assert_int_equal(access.attempts, 12);
    access_free(&access);
}

static void test_named_profile(void **state)
{
    (void)state;
    setenv("AWS_PROFILE", "lab", 1);
    struct access access = found((struct access_options){0});
    expect_keys(&access, "ID3", "S/3+x=", "T3");
    assert_string_equal(access.region, "eu-lab-2");
    assert_string_equal(access.endpoint, "http://s3:1");
    assert_int_equal(access.attempts, 7);
    access_free(&access);
}

/* Keys of the environment beat AWS_PROFILE; an explicit --profile beats them. */
static void test_environment(void **state)
{
    (void)state;
    setenv("AWS_PROFILE", "lab", 1);
    setenv("AWS_ACCESS_KEY_ID", "ID4", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "hidden4", 1);
    setenv("AWS_REGION", "r-1", 1);
    setenv("AWS_ENDPOINT_URL", "http://any:2", 1);
    struct access access = found((struct access_options){0});
    expect_keys(&access, "ID4", "hidden4", NULL);
    assert_string_equal(access.region, "r-1");
    assert_string_equal(access.endpoint, "http://any:2");
    access_free(&access);
    setenv("AWS_ENDPOINT_URL_S3", "https://only-s3:3/base/", 1);
    access = found((struct access_options){.profile = "default", .region = "r-2"});
    expect_keys(&access, "ID1", "hidden1", NULL);
    assert_string_equal(access.region, "r-2");
    assert_string_equal(access.endpoint, "https://only-s3:3/base");
    access_free(&access);
    setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true", 1);
    access = found((struct access_options){0});
    assert_null(access.endpoint);
    access_free(&access);
    access = found((struct access_options){.endpoint_url = "http://said:4"});
    assert_string_equal(access.endpoint, "http://said:4");
    access_free(&access);
}

static void test_unsigned(void **state)
{
    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "ID4", 1);
    struct access access = found((struct access_options){.no_sign_request = 1});
    assert_null(access.cache);
    access_free(&access);
}

static void test_errors(void **state)
{
    (void)state;
    expect_error((struct access_options){.profile = "nobody"}, "no profile nobody");
    expect_error((struct access_options){.profile = "half"}, "but no aws_secret_access_key");
    expect_error((struct access_options){.profile = "role"},
                 "by role_arn, which only Amazon's tools know how to use");
    expect_error((struct access_options){.profile = "role"},
                 "credential_process = aws configure export-credentials --profile role --format "
                 "process");
    expect_error((struct access_options){.profile = "style", .no_sign_request = 1},
                 "addressing_style of profile style is sideways");
    expect_error((struct access_options){.region = "a/b"}, "no region");
    expect_error((struct access_options){.endpoint_url = "ftp://x"}, "no S3 endpoint");
    expect_error((struct access_options){.endpoint_url = "http://me:hidden@x"}, "user name");
    setenv("AWS_SECRET_ACCESS_KEY", "hidden4", 1);
    expect_error((struct access_options){0}, "AWS_ACCESS_KEY_ID is not");
    setenv("AWS_ACCESS_KEY_ID", "ID\n4", 1);
    expect_error((struct access_options){0}, "control character");
    setenv("AWS_ACCESS_KEY_ID", "ID4", 1);
    setenv("AWS_MAX_ATTEMPTS", "0", 1);
    expect_error((struct access_options){0}, "AWS_MAX_ATTEMPTS");
    clearenv();
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    expect_error((struct access_options){0}, "no S3 keys");
    setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere", 1);
    expect_error((struct access_options){0}, "but AWS_ROLE_ARN is not");
    setenv("AWS_ROLE_ARN", "arn:x", 1);
    expect_error((struct access_options){0}, "cannot read the web identity token /nowhere");
    unsetenv("AWS_WEB_IDENTITY_TOKEN_FILE");
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://example.org/keys", 1);
    expect_error((struct access_options){0}, "neither https nor on this machine");
}

/* A libcurl that was built for one distribution finds the authorities of another. */
static void test_authorities(void **state)
{
    (void)state;
    char root[] = "/tmp/psweep-root-XXXXXX", path[64], command[200];
    assert_non_null(mkdtemp(root));
    assert_null(authorities(root, "/usual.crt"));
    snprintf(command, sizeof command, "mkdir -p %s/etc/pki/tls/certs && : >%s%s", root, root,
             "/etc/pki/tls/certs/ca-bundle.crt");
    assert_int_equal(system(command), 0);
    assert_string_equal(authorities(root, "/usual.crt"), "/etc/pki/tls/certs/ca-bundle.crt");
    assert_null(authorities(root, NULL));
    snprintf(path, sizeof path, "%s/usual.crt", root);
    assert_int_equal(close(creat(path, 0600)), 0);
    assert_null(authorities(root, "/usual.crt"));
    snprintf(command, sizeof command, "rm -r %s", root);
    assert_int_equal(system(command), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_default_profile), TEST(test_named_profile), TEST(test_environment),
        TEST(test_unsigned),        TEST(test_errors),        TEST(test_authorities),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
