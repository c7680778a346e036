#include "credentials/credentials.h"

#include "credentials/profile.h"
#include "message.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>

/* The profile that applies, in both files. */
struct profile {
    struct profile_file credentials, config;
    const char *name;
    char section[256]; /* its heading in the config file */
    int explicit;      /* named by --profile */
};

static int set(const char *value)
{
    return value != NULL && value[0] != '\0';
}

static char *copy(const char *value)
{
    return set(value) ? ecopy(value) : NULL;
}

/* Cuts slashes off the end. */
static void cut_slashes(char *url)
{
    for (size_t size = url ? strlen(url) : 0; size > 0 && url[size - 1] == '/';)
        url[--size] = '\0';
}

/* The first environment variable of the list (ended by NULL) that is set and not empty. */
static const char *environment(const char *const *names)
{
    for (; *names != NULL; names++)
        if (set(getenv(*names)))
            return getenv(*names);
    return NULL;
}
#define ENVIRONMENT(...) environment((const char *const[]){__VA_ARGS__, NULL})

/* The file a variable names, else ~/.aws/NAME. */
static int read_file(struct profile_file *file, const char *variable, const char *name)
{
    const char *path = getenv(variable), *home = getenv("HOME");
    char usual[4096];
    snprintf(usual, sizeof usual, "%s/.aws/%s", home ? home : "", name);
    return profile_read(file, set(path) ? path : usual);
}

static int profile_open(struct profile *profile, const char *option)
{
    const char *named = option ? option : ENVIRONMENT("AWS_PROFILE", "AWS_DEFAULT_PROFILE");
    profile->name = named ? named : "default";
    profile->explicit = option != NULL;
    if (read_file(&profile->credentials, "AWS_SHARED_CREDENTIALS_FILE", "credentials") < 0 ||
        read_file(&profile->config, "AWS_CONFIG_FILE", "config") < 0)
        return -1;
    snprintf(profile->section, sizeof profile->section, "profile %s", profile->name);
    if (strcmp(profile->name, "default") == 0 && !profile_has(&profile->config, profile->section))
        snprintf(profile->section, sizeof profile->section, "default");
    if (named && !profile_has(&profile->credentials, named) &&
        !profile_has(&profile->config, profile->section))
        return fail("there is no profile %s in the credentials file nor in the config file", named);
    return 0;
}

/* A setting of the profile, the credentials file before the config file; NULL when neither has it.
 */
static const char *setting(const struct profile *profile, const char *name)
{
    const char *value = profile_value(&profile->credentials, profile->name, "", name);
    return set(value) ? value : profile_value(&profile->config, profile->section, "", name);
}

/* A copy of value, which goes into a header line or a host name; NULL of none. -1 with a sentence.
 */
static int keep(char **kept, const char *value, const char *what)
{
    if (set(value) && !text_is_plain(value))
        return fail("the %s holds a blank, a control character or one beyond ASCII", what);
    *kept = copy(value);
    return 0;
}

/* A role for the token in a file, of the environment or the profile. 1, or 0 when there is none. */
static int find_web_identity(struct provider *provider, const struct access *access,
                             const char *token_file, const char *role, const char *session)
{
    if (!set(token_file) || !set(role))
        return 0;
    const char *endpoint = ENVIRONMENT("AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL");
    *provider = (struct provider){.kind = PROVIDER_WEB_IDENTITY,
                                  .token_file = ecopy(token_file),
                                  .role = ecopy(role),
                                  .session = copy(session),
                                  .region = ecopy(access->region),
                                  .endpoint = copy(endpoint),
                                  .ca_bundle = copy(access->ca_bundle)};
    cut_slashes(provider->endpoint);
    return 1;
}

/* 1 when the profile has keys, or names who hands them out; 0 when not. */
static int profile_keys(const struct access *access, const struct profile *profile,
                        struct keys *keys, struct provider *provider)
{
    static const char *const other[] = {"role_arn", "sso_session", "sso_start_url"};
    const char *key_id = setting(profile, "aws_access_key_id");
    const char *secret = setting(profile, "aws_secret_access_key");
    const char *command = setting(profile, "credential_process");
    if (set(key_id) != set(secret))
        return fail("profile %s has aws_%s but no aws_%s", profile->name,
                    set(key_id) ? "access_key_id" : "secret_access_key",
                    set(key_id) ? "secret_access_key" : "access_key_id");
    if (set(key_id)) {
        *keys = (struct keys){.key_id = ecopy(key_id),
                              .secret = ecopy(secret),
                              .token = copy(setting(profile, "aws_session_token"))};
        return 1;
    }
    if (set(command)) {
        *provider = (struct provider){.kind = PROVIDER_PROCESS, .command = ecopy(command)};
        return 1;
    }
    if (find_web_identity(provider, access, setting(profile, "web_identity_token_file"),
                          setting(profile, "role_arn"), setting(profile, "role_session_name")))
        return 1;
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        if (set(setting(profile, other[i])))
            return fail(
                "profile %s gets its S3 keys by %s, which only Amazon's tools know how to use: "
                "let them hand out the keys, in a profile of its own with the line "
                "credential_process = aws configure export-credentials --profile %s "
                "--format process",
                profile->name, other[i], profile->name);
    return 0;
}

/* The keys of the profile; else those of whoever hands them out here. 1; 0 when there are none. */
static int look_for_keys(const struct access *access, const struct profile *profile,
                         struct keys *keys, struct provider *provider)
{
    const char *token_file = ENVIRONMENT("AWS_WEB_IDENTITY_TOKEN_FILE");
    const char *role = ENVIRONMENT("AWS_ROLE_ARN");
    int found = profile_keys(access, profile, keys, provider);
    if (found == 0 && token_file != NULL && role == NULL)
        return fail("AWS_WEB_IDENTITY_TOKEN_FILE is set but AWS_ROLE_ARN is not");
    if (found == 0)
        found = find_web_identity(provider, access, token_file, role,
                                  ENVIRONMENT("AWS_ROLE_SESSION_NAME"));
    if (found > 0 && provider->kind != PROVIDER_NONE)
        return provider_ask(provider, keys);
    for (int kind = PROVIDER_CONTAINER; found == 0 && kind <= PROVIDER_MACHINE; kind++) {
        provider->kind = kind;
        found = provider_ask(provider, keys);
    }
    return found;
}

static int environment_keys(struct keys *keys)
{
    const char *key_id = ENVIRONMENT("AWS_ACCESS_KEY_ID");
    const char *secret = ENVIRONMENT("AWS_SECRET_ACCESS_KEY");
    if (!key_id && !secret)
        return 0;
    if (!key_id || !secret)
        return fail("AWS_%s is set but AWS_%s is not",
                    key_id ? "ACCESS_KEY_ID" : "SECRET_ACCESS_KEY",
                    key_id ? "SECRET_ACCESS_KEY" : "ACCESS_KEY_ID");
    *keys = (struct keys){.key_id = ecopy(key_id),
                          .secret = ecopy(secret),
                          .token = copy(ENVIRONMENT("AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"))};
    return 1;
}

/* Region and CA file are known by then. */
static int find_keys(struct access *access, const struct profile *profile)
{
    struct keys keys = {0};
    struct provider provider = {0};
    int found = profile->explicit ? 0 : environment_keys(&keys);
    if (found == 0)
        found = look_for_keys(access, profile, &keys, &provider);
    if (found == 0)
        found = fail(
            "no S3 keys: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write profile %s into "
            "~/.aws/credentials, or ask unsigned with --no-sign-request",
            profile->name);
    if (found > 0)
        access->cache = cache_new(&keys, &provider, time(NULL));
    keys_free(&keys);
    provider_free(&provider);
    return access->cache != NULL ? 0 : -1;
}

static int find_region(struct access *access, const struct profile *profile, const char *option)
{
    const char *region = option ? option : ENVIRONMENT("AWS_REGION", "AWS_DEFAULT_REGION");
    if (!set(region))
        region = setting(profile, "region");
    if (!set(region))
        region = "us-east-1";
    if (region[strspn(region, TEXT_LETTERS "-_")])
        return fail("%s is no region: only letters, digits, - and _ are allowed", region);
    return keep(&access->region, region, "region");
}

static int find_endpoint(struct access *access, const struct profile *profile, const char *option)
{
    const char *ignored = getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
    const char *endpoint = option;
    if (!set(endpoint) && !(ignored && strcasecmp(ignored, "true") == 0)) {
        endpoint = ENVIRONMENT("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL");
        const char *services = setting(profile, "services");
        char section[256];
        snprintf(section, sizeof section, "services %s", services ? services : "");
        if (!set(endpoint))
            endpoint = profile_value(&profile->config, section, "s3", "endpoint_url");
        if (!set(endpoint))
            endpoint = setting(profile, "endpoint_url");
    }
    if (!set(endpoint))
        return 0;
    const char *host = strstr(endpoint, "://");
    if ((strncasecmp(endpoint, "http://", 7) != 0 && strncasecmp(endpoint, "https://", 8) != 0) ||
        host[3] == '\0' || strpbrk(endpoint, "?#@") != NULL)
        return fail("%s is no S3 endpoint: http://host[:port][/path] or https://… is wanted",
                    strchr(endpoint, '@') ? "a URL with a user name" : endpoint);
    if (keep(&access->endpoint, endpoint, "endpoint") < 0)
        return -1;
    cut_slashes(access->endpoint);
    return 0;
}

static int find_style(struct access *access, const struct profile *profile)
{
    const char *style = profile_value(&profile->config, profile->section, "s3", "addressing_style");
    if (!set(style) || strcmp(style, "auto") == 0)
        access->style = STYLE_AUTO;
    else if (strcmp(style, "path") == 0)
        access->style = STYLE_PATH;
    else if (strcmp(style, "virtual") == 0)
        access->style = STYLE_VIRTUAL;
    else
        return fail("addressing_style of profile %s is %s; auto, path or virtual is wanted",
                    profile->name, style);
    return 0;
}

static int find_rest(struct access *access, const struct profile *profile)
{
    const char *bundle = ENVIRONMENT("AWS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE");
    if (!set(bundle))
        bundle = setting(profile, "ca_bundle");
    access->ca_bundle = copy(bundle);
    const char *attempts = ENVIRONMENT("AWS_MAX_ATTEMPTS");
    if (!set(attempts))
        attempts = setting(profile, "max_attempts");
    access->attempts = 12;
    if (set(attempts)) {
        char *end;
        unsigned long number = strtoul(attempts, &end, 10);
        if (*end != '\0' || number < 1 || number > 100)
            return fail("AWS_MAX_ATTEMPTS or max_attempts is %s; 1 … 100 is wanted", attempts);
        access->attempts = (unsigned)number;
    }
    return 0;
}

int access_find(struct access *access, const struct access_options *options)
{
    struct profile profile = {0};
    *access = (struct access){0};
    if (options != NULL && !options->no_sign_request)
        prctl(PR_SET_DUMPABLE, 0);
    int done = 0;
    if (options != NULL && (profile_open(&profile, options->profile) < 0 ||
                            find_region(access, &profile, options->region) < 0 ||
                            find_endpoint(access, &profile, options->endpoint_url) < 0 ||
                            find_style(access, &profile) < 0))
        done = -1;
    if (done == 0)
        done = find_rest(access, &profile);
    if (done == 0 && options != NULL && !options->no_sign_request)
        done = find_keys(access, &profile);
    if (done < 0)
        access_free(access);
    profile_free(&profile.credentials);
    profile_free(&profile.config);
    return done;
}

void access_free(struct access *access)
{
    cache_free(access->cache);
    free(access->region);
    free(access->endpoint);
    free(access->ca_bundle);
    *access = (struct access){0};
}
