#include "credentials/provider.h"

#include "credentials/ask.h"
#include "message.h"

#include <errno.h>
#include <jansson.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>

enum {
    MAX_ANSWER = 64 << 10, /* bytes */
    CONTAINER_MS = 5000,
    MACHINE_MS = 1000,
};

void provider_free(struct provider *provider)
{
    free(provider->command);
    free(provider->token_file);
    free(provider->role);
    free(provider->session);
    free(provider->region);
    free(provider->endpoint);
    free(provider->ca_bundle);
    *provider = (struct provider){0};
}

const char *provider_name(enum provider_kind kind)
{
    static const char *const name[] = {
        [PROVIDER_NONE] = "nobody",
        [PROVIDER_PROCESS] = "the credential_process of the profile",
        [PROVIDER_WEB_IDENTITY] = "the token service for web identities",
        [PROVIDER_CONTAINER] = "the container's agent for S3 keys",
        [PROVIDER_MACHINE] = "the machine's metadata service",
    };
    return name[kind];
}

void keys_free(struct keys *keys)
{
    wipe(&keys->key_id);
    wipe(&keys->secret);
    wipe(&keys->token);
    keys->expires = 0;
}

time_t provider_time(const char *text)
{
    struct tm date = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &date);
    int hours = 0, minutes = 0;
    if (rest == NULL)
        return 0;
    if (*rest == '.')
        rest += 1 + strspn(rest + 1, "0123456789");
    if ((*rest == '+' || *rest == '-') && sscanf(rest + 1, "%2d:%2d", &hours, &minutes) != 2)
        return 0;
    long ahead = hours * 3600L + minutes * 60L;
    return timegm(&date) - (*rest == '-' ? -ahead : ahead);
}

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && *value != '\0' ? value : NULL;
}

/* Secrets lie in what jansson frees. */
static void free_wiped(void *memory)
{
    if (memory != NULL)
        explicit_bzero(memory, malloc_usable_size(memory));
    free(memory);
}
static void wipe_json(void)
{
    json_set_alloc_funcs(malloc, free_wiped);
}

/* The text that the object has under name: 1; 0 when there is none. */
static int take_text(const json_t *object, const char *name, struct text *value)
{
    const char *text = json_string_value(json_object_get(object, name));
    text_clear(value);
    text_format(value, "%s", text ? text : "");
    return text != NULL;
}

/* Takes the keys out of an answer; who gave it is for sentences. */
static int take_keys(struct keys *keys, const struct text *answer, const char *token,
                     const char *who)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct text expires = {0};
    pthread_once(&once, wipe_json);
    json_t *object = json_loadb(answer->at, answer->size, 0, NULL);
    int result = 1;
    if (!json_is_object(object))
        result = fail("the answer of %s is not a JSON object", who);
    else if (!take_text(object, "AccessKeyId", &keys->key_id))
        result = fail("%s answers without AccessKeyId", who);
    else if (!take_text(object, "SecretAccessKey", &keys->secret))
        result = fail("%s answers without SecretAccessKey", who);
    else {
        take_text(object, token, &keys->token);
        if (take_text(object, "Expiration", &expires))
            keys->expires = provider_time(expires.at);
    }
    json_decref(object);
    text_free(&expires);
    return result;
}

static int ask_process(struct keys *keys, const char *command)
{
    const char *who = provider_name(PROVIDER_PROCESS);
    FILE *pipe = popen(command, "re");
    if (pipe == NULL)
        return fail("cannot start %s: %s", who, strerror(errno));
    struct text answer = {0};
    char block[4096];
    size_t got;
    text_clear(&answer);
    while (answer.size < MAX_ANSWER && (got = fread(block, 1, sizeof block, pipe)) > 0)
        text_bytes(&answer, block, got);
    explicit_bzero(block, sizeof block);
    int status = pclose(pipe);
    int result = answer.size >= MAX_ANSWER
                     ? fail("%s answers more than %d KiB", who, MAX_ANSWER >> 10)
                 : status == -1        ? fail("cannot wait for %s: %s", who, strerror(errno))
                 : WIFSIGNALED(status) ? fail("%s was ended by signal %d", who, WTERMSIG(status))
                 : WEXITSTATUS(status) ? fail("%s ended with status %d", who, WEXITSTATUS(status))
                                       : take_keys(keys, &answer, "SessionToken", who);
    wipe(&answer);
    return result;
}

/* The authorization that a container's agent wants, as a header line; 0 also when it wants none. */
static int container_header(struct text *header)
{
    const char *file = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *token = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    char line[8192] = "";
    if (file != NULL) {
        FILE *stream = fopen(file, "re");
        if (stream == NULL || fgets(line, sizeof line, stream) == NULL)
            line[0] = '\0';
        if (stream != NULL)
            fclose(stream);
        line[strcspn(line, "\r\n")] = '\0';
        if (line[0] == '\0')
            return fail("cannot read the token in AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, %s",
                        file);
        token = line;
    }
    if (token != NULL && strpbrk(token, "\r\n") != NULL)
        return fail("AWS_CONTAINER_AUTHORIZATION_TOKEN holds the end of a line");
    if (token != NULL)
        text_format(header, "Authorization: %s", token);
    explicit_bzero(line, sizeof line);
    return 0;
}

static int ask_container(struct keys *keys)
{
    const char *who = provider_name(PROVIDER_CONTAINER);
    const char *full = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    const char *relative = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    if (full == NULL && relative == NULL)
        return 0;
    if (relative == NULL && !ask_is_safe(full))
        return fail("AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor on this machine");
    struct text url = {0}, header = {0}, answer = {0};
    if (relative != NULL)
        text_format(&url, "http://169.254.170.2%s", relative);
    else
        text_format(&url, "%s", full);
    int result = container_header(&header);
    if (result == 0)
        result = ask(
            &(struct question){
                .who = who, .url = url.at, .header = header.at, .ms = CONTAINER_MS, .is_near = 1},
            &answer);
    if (result == 0)
        result = take_keys(keys, &answer, "Token", who);
    text_free(&url);
    wipe(&header);
    wipe(&answer);
    return result;
}

/* The three questions to the metadata service: a token, the name of the role, its keys. */
static int ask_machine_at(struct keys *keys, const char *endpoint, struct text *header,
                          struct text *answer)
{
    static const char path[] = "/latest/meta-data/iam/security-credentials/";
    struct text url = {0};
    text_format(&url, "%s/latest/api/token", endpoint);
    struct question question = {.who = provider_name(PROVIDER_MACHINE),
                                .url = url.at,
                                .method = "PUT",
                                .header = "X-aws-ec2-metadata-token-ttl-seconds: 21600",
                                .ms = MACHINE_MS,
                                .is_near = 1};
    if (ask(&question, answer) < 0) {
        text_free(&url);
        return 0; /* most machines have none */
    }
    text_format(header, "X-aws-ec2-metadata-token: %s", answer->at);
    text_clear(&url);
    text_format(&url, "%s%s", endpoint, path);
    question.method = NULL;
    question.header = header->at;
    question.url = url.at;
    int result = ask(&question, answer);
    if (result == 0) {
        answer->at[strcspn(answer->at, "\r\n")] = '\0';
        text_format(&url, "%s", answer->at);
        question.url = url.at;
        result = ask(&question, answer);
    }
    if (result == 0)
        result = take_keys(keys, answer, "Token", question.who);
    text_free(&url);
    return result;
}

static int ask_machine(struct keys *keys)
{
    const char *disabled = variable("AWS_EC2_METADATA_DISABLED");
    const char *endpoint = variable("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    if (disabled != NULL && strcasecmp(disabled, "true") == 0)
        return 0;
    struct text base = {0}, header = {0}, answer = {0};
    text_format(&base, "%s", endpoint ? endpoint : "http://169.254.169.254");
    while (base.size > 0 && base.at[base.size - 1] == '/')
        base.at[--base.size] = '\0';
    int result = ask_machine_at(keys, base.at, &header, &answer);
    text_free(&base);
    wipe(&header);
    wipe(&answer);
    return result;
}

int provider_ask(const struct provider *provider, struct keys *keys)
{
    switch (provider->kind) {
    case PROVIDER_PROCESS:
        return ask_process(keys, provider->command);
    case PROVIDER_WEB_IDENTITY:
        return provider_web_identity(provider, keys);
    case PROVIDER_CONTAINER:
        return ask_container(keys);
    case PROVIDER_MACHINE:
        return ask_machine(keys);
    default:
        return 0;
    }
}
