#include "credentials/credentials.h"

#include "lines.h"
#include "message.h"
#include "text.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <unistd.h>

/* The profile files of Amazon's tools, as far as they say who asks and where:
 *
 *     [profile work]              a section; in the credentials file just [work]
 *     region = eu-west-1          a setting
 *     services = lab
 *     [services lab]
 *     s3 =                        a group: the indented settings below belong to it
 *       endpoint_url = http://…
 *
 * Lines that begin with # or ; are comments. What a section says twice, its last line decides. Its
 * heading is kept as a setting without a name, so that an empty section is seen too. */
struct profile_setting {
    char *section, *group, *name, *value;
};
struct profile_file {
    struct profile_setting *setting;
    size_t count;
};

/* Cuts blanks off both ends, in place. */
static char *trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t size = strlen(text);
    while (size > 0 && isspace((unsigned char)text[size - 1]))
        size--;
    text[size] = '\0';
    return text;
}

static void add_setting(struct profile_file *file, const char *section, const char *group,
                        const char *name, const char *value)
{
    file->setting = egrow(file->setting, file->count + 1, sizeof *file->setting);
    file->setting[file->count++] =
        (struct profile_setting){ecopy(section), ecopy(group), ecopy(name), ecopy(value)};
}

/* Takes one line; section and group, 256 bytes each, hold where it stands. */
static void take_line(struct profile_file *file, char *line, char *section, char *group)
{
    int indented = line[0] == ' ' || line[0] == '\t';
    line = trim(line);
    char *end = strrchr(line, ']'), *equals = strchr(line, '=');
    if (line[0] == '\0' || line[0] == '#' || line[0] == ';')
        return;
    if (line[0] == '[' && end != NULL) {
        *end = '\0';
        char *to = line; /* [profile "my lab"] is the section "profile my lab" */
        for (const char *from = line + 1; *from != '\0'; from++)
            if (*from != '"')
                *to++ = *from;
        *to = '\0';
        snprintf(section, 256, "%s", trim(line));
        group[0] = '\0';
        add_setting(file, section, "", "", "");
    } else if (equals != NULL) {
        *equals = '\0';
        char *name = trim(line), *value = trim(equals + 1);
        if (!indented)
            snprintf(group, 256, "%s", value[0] == '\0' ? name : "");
        add_setting(file, section, indented ? group : "", name, value);
    }
}

static void profile_free(struct profile_file *file)
{
    for (size_t i = 0; i < file->count; i++) {
        explicit_bzero(file->setting[i].value, strlen(file->setting[i].value));
        free(file->setting[i].section);
        free(file->setting[i].group);
        free(file->setting[i].name);
        free(file->setting[i].value);
    }
    free(file->setting);
    *file = (struct profile_file){0};
}

/* One that does not exist has no settings; -1 with a sentence when it is there and cannot be read.
 */
static int profile_read(struct profile_file *file, const char *path)
{
    *file = (struct profile_file){0};
    FILE *stream = fopen(path, "re");
    if (stream == NULL)
        return errno == ENOENT || errno == ENOTDIR
                   ? 0
                   : fail("cannot read %s: %s", path, strerror(errno));
    char section[256] = "", group[256] = "";
    struct lines lines = {.file = stream, .name = path, .most = 1 << 20};
    ssize_t done;
    while ((done = lines_next(&lines)) > 0)
        take_line(file, lines.line, section, group);
    fclose(stream);
    if (lines.line != NULL)
        explicit_bzero(lines.line, lines.room);
    free(lines.line);
    if (done < 0)
        profile_free(file);
    return (int)done;
}

/* The value of section / group / name (group "" for plain settings), owned by file, or NULL. */
static const char *profile_value(const struct profile_file *file, const char *section,
                                 const char *group, const char *name)
{
    for (size_t i = file->count; i-- > 0;) {
        const struct profile_setting *setting = &file->setting[i];
        if (strcmp(setting->section, section) == 0 && strcmp(setting->group, group) == 0 &&
            strcmp(setting->name, name) == 0)
            return setting->value;
    }
    return NULL;
}

/* The profile that applies, in both files. */
struct profile {
    struct profile_file credentials, config;
    const char *name;
    char section[256]; /* its heading in the config file */
    int explicit;      /* named by --profile */
};

static int is_set(const char *value)
{
    return value != NULL && value[0] != '\0';
}

static char *copy(const char *value)
{
    return is_set(value) ? ecopy(value) : NULL;
}

/* Cuts slashes off the end. */
static void cut_slashes(char *url)
{
    for (size_t size = url ? strlen(url) : 0; size > 0 && url[size - 1] == '/';)
        url[--size] = '\0';
}

/* The file a variable names, else ~/.aws/NAME. */
static int read_file(struct profile_file *file, const char *variable, const char *name)
{
    const char *path = getenv(variable), *home = getenv("HOME");
    char usual[4096];
    snprintf(usual, sizeof usual, "%s/.aws/%s", home ? home : "", name);
    return profile_read(file, is_set(path) ? path : usual);
}

/* A setting of the profile, the credentials file before the config file; NULL when neither has it.
 */
static const char *setting(const struct profile *profile, const char *name)
{
    const char *value = profile_value(&profile->credentials, profile->name, "", name);
    return is_set(value) ? value : profile_value(&profile->config, profile->section, "", name);
}

/* The first environment variable of the list (ended by NULL) that is set and not empty; else that
 * setting of the profile. */
static const char *find_value(const struct profile *profile, const char *name,
                              const char *const *variables)
{
    for (; *variables != NULL; variables++)
        if (is_set(getenv(*variables)))
            return getenv(*variables);
    return name != NULL ? setting(profile, name) : NULL;
}
#define FIND(profile, name, ...) find_value(profile, name, (const char *const[]){__VA_ARGS__, NULL})
#define ENVIRONMENT(...)         FIND(NULL, NULL, __VA_ARGS__)

static int profile_open(struct profile *profile, const char *option)
{
    const char *named = option ? option : ENVIRONMENT("AWS_PROFILE", "AWS_DEFAULT_PROFILE");
    profile->name = named ? named : "default";
    profile->explicit = option != NULL;
    if (read_file(&profile->credentials, "AWS_SHARED_CREDENTIALS_FILE", "credentials") < 0 ||
        read_file(&profile->config, "AWS_CONFIG_FILE", "config") < 0)
        return -1;
    snprintf(profile->section, sizeof profile->section, "profile %s", profile->name);
    int is_configured = profile_value(&profile->config, profile->section, "", "") != NULL;
    if (strcmp(profile->name, "default") == 0 && !is_configured) {
        snprintf(profile->section, sizeof profile->section, "default");
        is_configured = profile_value(&profile->config, "default", "", "") != NULL;
    }
    if (named && !is_configured && !profile_value(&profile->credentials, named, "", ""))
        return fail("there is no profile %s in the credentials file nor in the config file", named);
    return 0;
}

/* A role for the token in a file, of the environment or the profile. 1, or 0 when there is none. */
static int find_web_identity(struct provider *provider, const struct access *access,
                             const char *token_file, const char *role, const char *session)
{
    if (!is_set(token_file) || !is_set(role))
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
    if (is_set(key_id) != is_set(secret))
        return fail("profile %s has aws_%s but no aws_%s", profile->name,
                    is_set(key_id) ? "access_key_id" : "secret_access_key",
                    is_set(key_id) ? "secret_access_key" : "access_key_id");
    if (is_set(key_id)) {
        *keys = (struct keys){.key_id = ecopy(key_id),
                              .secret = ecopy(secret),
                              .token = copy(setting(profile, "aws_session_token"))};
        return 1;
    }
    if (is_set(command)) {
        *provider = (struct provider){.kind = PROVIDER_PROCESS, .command = ecopy(command)};
        return 1;
    }
    if (find_web_identity(provider, access, setting(profile, "web_identity_token_file"),
                          setting(profile, "role_arn"), setting(profile, "role_session_name")))
        return 1;
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        if (is_set(setting(profile, other[i])))
            return fail(
                "profile %s gets its S3 keys by %s, which only Amazon's tools know how to use: "
                "let them hand out the keys, in a profile of its own with the line "
                "credential_process = aws configure export-credentials --profile %s "
                "--format process",
                profile->name, other[i], profile->name);
    return 0;
}

/* 1 when the environment has keys; 0 when not. */
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
    const char *token_file = ENVIRONMENT("AWS_WEB_IDENTITY_TOKEN_FILE");
    const char *role = ENVIRONMENT("AWS_ROLE_ARN");
    struct keys keys = {0};
    struct provider provider = {0};
    int found = profile->explicit ? 0 : environment_keys(&keys);
    if (found == 0)
        found = profile_keys(access, profile, &keys, &provider);
    if (found == 0 && token_file != NULL && role == NULL)
        found = fail("AWS_WEB_IDENTITY_TOKEN_FILE is set but AWS_ROLE_ARN is not");
    if (found == 0)
        found = find_web_identity(&provider, access, token_file, role,
                                  ENVIRONMENT("AWS_ROLE_SESSION_NAME"));
    if (found > 0 && provider.kind != PROVIDER_NONE)
        found = provider_ask(&provider, &keys);
    else
        for (int kind = PROVIDER_CONTAINER; found == 0 && kind <= PROVIDER_MACHINE; kind++) {
            provider.kind = kind;
            found = provider_ask(&provider, &keys);
        }
    if (found == 0)
        fail("no S3 keys: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write profile %s "
             "into ~/.aws/credentials, or ask unsigned with --no-sign-request",
             profile->name);
    if (found > 0)
        access->cache = cache_new(&keys, &provider, time(NULL));
    keys_free(&keys);
    provider_free(&provider);
    return access->cache != NULL ? 0 : -1;
}

/* Region, endpoint and how the bucket is addressed there. */
static int find_server(struct access *access, const struct profile *profile,
                       const struct access_options *options)
{
    const char *region = options->region, *endpoint = options->endpoint_url;
    const char *ignored = getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
    if (!is_set(region))
        region = FIND(profile, "region", "AWS_REGION", "AWS_DEFAULT_REGION");
    if (!is_set(region))
        region = "us-east-1";
    if (region[strspn(region, TEXT_LETTERS "-_")])
        return fail("%s is no region: only letters, digits, - and _ are allowed", region);
    access->region = ecopy(region);
    if (!is_set(endpoint) && !(ignored && strcasecmp(ignored, "true") == 0)) {
        endpoint = ENVIRONMENT("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL");
        const char *services = setting(profile, "services");
        char section[256];
        snprintf(section, sizeof section, "services %s", services ? services : "");
        if (!is_set(endpoint))
            endpoint = profile_value(&profile->config, section, "s3", "endpoint_url");
        if (!is_set(endpoint))
            endpoint = setting(profile, "endpoint_url");
    }
    if (is_set(endpoint)) {
        int is_http =
            strncasecmp(endpoint, "http://", 7) == 0 || strncasecmp(endpoint, "https://", 8) == 0;
        if (!is_http || strstr(endpoint, "://")[3] == '\0' || strpbrk(endpoint, "?#@") != NULL)
            return fail("%s is no S3 endpoint: http://host[:port][/path] or https://… is wanted",
                        strchr(endpoint, '@') ? "a URL with a user name" : endpoint);
        if (!text_is_plain(endpoint))
            return fail("the endpoint holds a blank, a control character or one beyond ASCII");
        access->endpoint = ecopy(endpoint);
        cut_slashes(access->endpoint);
    }
    const char *style = profile_value(&profile->config, profile->section, "s3", "addressing_style");
    if (is_set(style) && strcmp(style, "path") == 0)
        access->style = STYLE_PATH;
    else if (is_set(style) && strcmp(style, "virtual") == 0)
        access->style = STYLE_VIRTUAL;
    else if (is_set(style) && strcmp(style, "auto") != 0)
        return fail("addressing_style of profile %s is %s; auto, path or virtual is wanted",
                    profile->name, style);
    return 0;
}

const char *authorities(const char *root, const char *usual)
{
    const char *const places[] = {
        usual,
        "/etc/ssl/certs/ca-certificates.crt", /* Debian, Ubuntu, Arch */
        "/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora, RHEL */
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        "/etc/ssl/ca-bundle.pem", /* SUSE */
        "/etc/ssl/cert.pem",
    };
    char path[4096];
    for (size_t i = 0; usual && i < sizeof places / sizeof *places; i++) {
        snprintf(path, sizeof path, "%s%s", root, places[i]);
        if (access(path, R_OK) == 0)
            return i == 0 ? NULL : places[i];
    }
    return NULL;
}

int access_find(struct access *access, const struct access_options *options)
{
    struct profile profile = {0};
    int done = 0, is_signed = options != NULL && !options->no_sign_request;
    *access = (struct access){.attempts = 12};
    if (is_signed)
        prctl(PR_SET_DUMPABLE, 0);
    if (options != NULL && (profile_open(&profile, options->profile) < 0 ||
                            find_server(access, &profile, options) < 0))
        done = -1;
    const char *bundle =
        FIND(&profile, "ca_bundle", "AWS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE");
    const char *attempts = FIND(&profile, "max_attempts", "AWS_MAX_ATTEMPTS");
    if (!is_set(bundle))
        bundle = authorities("", curl_version_info(CURLVERSION_NOW)->cainfo);
    access->ca_bundle = copy(bundle);
    if (is_set(attempts) && done == 0) {
        char *end;
        unsigned long number = strtoul(attempts, &end, 10);
        if (*end != '\0' || number < 1 || number > 100)
            done = fail("AWS_MAX_ATTEMPTS or max_attempts is %s; 1 … 100 is wanted", attempts);
        access->attempts = (unsigned)number;
    }
    if (done == 0 && is_signed)
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
