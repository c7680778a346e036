#include "credentials/provider.h"

#include "message.h"
#include "text.h"

#include <curl/curl.h>
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
    MAX_TOKEN = 16 << 10,
    CONTAINER_MS = 5000, /* that an answer may take */
    MACHINE_MS = 1000,
    SERVICE_MS = 10000,
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

/* Secrets lie in what jansson frees, too. */
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

void keys_free(struct keys *keys)
{
    free_wiped(keys->key_id);
    free_wiped(keys->secret);
    free_wiped(keys->token);
    *keys = (struct keys){0};
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

/* One small question over HTTP. */
struct question {
    const char *who; /* for sentences */
    const char *url;
    const char *method;    /* NULL: GET, or POST with a body */
    const char *header;    /* a line, or NULL */
    const char *body;      /* of a form, or NULL */
    const char *ca_bundle; /* NULL: libcurl's own */
    long ms;               /* it may take */
    int is_near;           /* no proxy stands between */
};

static size_t on_body(char *bytes, size_t one, size_t size, void *user)
{
    (void)one;
    struct text *answer = user;
    if (answer->size + size > MAX_ANSWER)
        return 0;
    text_bytes(answer, bytes, size);
    return size;
}

/* 0 with status 200, else -1 with a sentence that has nothing of the answer; what the answer's body
 * holds is in answer in both cases. Redirects are not followed. */
static int ask(const struct question *question, struct text *answer)
{
    CURL *easy = curl_easy_init();
    struct curl_slist *headers =
        question->header ? curl_slist_append(NULL, question->header) : NULL;
    text_clear(answer);
    if (easy == NULL || (question->header && headers == NULL)) {
        curl_easy_cleanup(easy);
        return fail("libcurl cannot start a transfer");
    }
    long status = 0;
    curl_easy_setopt(easy, CURLOPT_URL, question->url);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    if (question->body != NULL)
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, question->body);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, question->method);
    if (question->is_near)
        curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    if (question->ca_bundle != NULL)
        curl_easy_setopt(easy, CURLOPT_CAINFO, question->ca_bundle);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, question->ms);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, answer);
    CURLcode code = curl_easy_perform(easy);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
    if (code != CURLE_OK)
        return fail("%s does not answer: %s", question->who, curl_easy_strerror(code));
    return status == 200 ? 0 : fail("%s answers with status %ld", question->who, status);
}

/* Keys go over a wire in the clear only where that is this machine's own: whether url is https or
 * so near. */
static int is_safe(const char *url)
{
    static const char *const safe[] = {
        "http://127.",           "http://localhost:",      "http://localhost/", "http://[::1]",
        "http://169.254.170.2/", "http://169.254.170.23/", "https://"};
    for (size_t i = 0; i < sizeof safe / sizeof *safe; i++)
        if (strncasecmp(url, safe[i], strlen(safe[i])) == 0)
            return 1;
    return 0;
}

/* The text that a JSON object has under a name; NULL when there is none. */
static char *take_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? ecopy(text) : NULL;
}

/* Takes the keys out of an answer, where the session token has this name; who gave it is for
 * sentences. */
static int take_keys(struct keys *keys, const struct text *answer, const char *token,
                     const char *who)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, wipe_json);
    json_t *object = json_loadb(answer->at, answer->size, 0, NULL);
    int result = 1;
    if (!json_is_object(object))
        result = fail("the answer of %s is not a JSON object", who);
    else if ((keys->key_id = take_text(object, "AccessKeyId")) == NULL)
        result = fail("%s answers without AccessKeyId", who);
    else if ((keys->secret = take_text(object, "SecretAccessKey")) == NULL)
        result = fail("%s answers without SecretAccessKey", who);
    else {
        const char *expires = json_string_value(json_object_get(object, "Expiration"));
        keys->token = take_text(object, token);
        keys->expires = expires ? provider_time(expires) : 0;
    }
    json_decref(object);
    return result;
}

/* At most so many bytes and a block of a stream. */
static void read_all(FILE *stream, size_t most, struct text *text)
{
    char block[4096];
    size_t got;
    text_clear(text);
    while (text->size <= most && (got = fread(block, 1, sizeof block, stream)) > 0)
        text_bytes(text, block, got);
    explicit_bzero(block, sizeof block);
}

static int ask_process(struct keys *keys, const char *command)
{
    const char *who = provider_name(PROVIDER_PROCESS);
    FILE *pipe = popen(command, "re");
    if (pipe == NULL)
        return fail("cannot start %s: %s", who, strerror(errno));
    struct text answer = {0};
    read_all(pipe, MAX_ANSWER, &answer);
    int status = pclose(pipe);
    int result = answer.size > MAX_ANSWER
                     ? fail("%s answers more than %d KiB", who, MAX_ANSWER >> 10)
                 : status == -1        ? fail("cannot wait for %s: %s", who, strerror(errno))
                 : WIFSIGNALED(status) ? fail("%s was ended by signal %d", who, WTERMSIG(status))
                 : WEXITSTATUS(status) ? fail("%s ended with status %d", who, WEXITSTATUS(status))
                                       : take_keys(keys, &answer, "SessionToken", who);
    text_wipe(&answer);
    return result;
}

/* The agent may want an authorization, which is in a file or the environment. */
static int ask_container(struct keys *keys)
{
    const char *who = provider_name(PROVIDER_CONTAINER);
    const char *full = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    const char *relative = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *file = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *token = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    if (full == NULL && relative == NULL)
        return 0;
    if (relative == NULL && !is_safe(full))
        return fail("AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor on this machine");
    struct text url = {0}, line = {0}, header = {0}, answer = {0};
    int result = 0;
    if (file != NULL) {
        FILE *stream = fopen(file, "re");
        if (stream != NULL)
            read_all(stream, MAX_TOKEN, &line);
        if (stream != NULL)
            fclose(stream);
        token = line.at;
        size_t size = line.size > 0 ? strcspn(line.at, "\r\n") : 0;
        if (size > 0)
            line.at[size] = '\0';
        else
            result =
                fail("cannot read the token in AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, %s", file);
    } else if (token != NULL && strpbrk(token, "\r\n") != NULL) {
        result = fail("AWS_CONTAINER_AUTHORIZATION_TOKEN holds the end of a line");
    }
    text_format(&url, "%s%s", relative ? "http://169.254.170.2" : "", relative ? relative : full);
    if (token != NULL)
        text_format(&header, "Authorization: %s", token);
    if (result == 0)
        result = ask(
            &(struct question){
                .who = who, .url = url.at, .header = header.at, .ms = CONTAINER_MS, .is_near = 1},
            &answer);
    if (result == 0)
        result = take_keys(keys, &answer, "Token", who);
    text_free(&url);
    text_wipe(&line);
    text_wipe(&header);
    text_wipe(&answer);
    return result;
}

/* Three questions: for a token, the name of the role, its keys. */
static int ask_machine(struct keys *keys)
{
    const char *disabled = variable("AWS_EC2_METADATA_DISABLED");
    const char *endpoint = variable("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    if (disabled != NULL && strcasecmp(disabled, "true") == 0)
        return 0;
    if (endpoint == NULL)
        endpoint = "http://169.254.169.254";
    int size = (int)strlen(endpoint);
    while (size > 0 && endpoint[size - 1] == '/')
        size--;
    struct text url = {0}, header = {0}, answer = {0};
    text_format(&url, "%.*s/latest/api/token", size, endpoint);
    struct question question = {.who = provider_name(PROVIDER_MACHINE),
                                .url = url.at,
                                .method = "PUT",
                                .header = "X-aws-ec2-metadata-token-ttl-seconds: 21600",
                                .ms = MACHINE_MS,
                                .is_near = 1};
    int result = 0;
    if (ask(&question, &answer) == 0) { /* most machines have none */
        text_format(&header, "X-aws-ec2-metadata-token: %s", answer.at);
        text_clear(&url);
        text_format(&url, "%.*s/latest/meta-data/iam/security-credentials/", size, endpoint);
        question.method = NULL;
        question.header = header.at;
        question.url = url.at;
        result = ask(&question, &answer);
        if (result == 0) {
            text_bytes(&url, answer.at, strcspn(answer.at, "\r\n"));
            question.url = url.at;
            result = ask(&question, &answer);
        }
        if (result == 0)
            result = take_keys(keys, &answer, "Token", question.who);
    }
    text_free(&url);
    text_wipe(&header);
    text_wipe(&answer);
    return result;
}

static void add_field(struct text *form, const char *name, const char *value)
{
    text_format(form, "&%s=", name);
    text_encode(form, value, strlen(value), "");
}

/* The text of an element, which has neither attributes nor entities; NULL when there is none. */
static char *element(const struct text *xml, const char *open)
{
    const char *at = strstr(xml->at, open);
    at += at != NULL ? strlen(open) : 0;
    size_t size = at != NULL ? strcspn(at, "<&") : 0;
    return size > 0 && at[size] == '<' ? memcpy(ealloc(size + 1, 1), at, size) : NULL;
}

/* Sends the form; takes the keys out of the answer. */
static int ask_service(const struct provider *provider, const char *form, struct keys *keys)
{
    const char *who = provider_name(PROVIDER_WEB_IDENTITY);
    struct text url = {0}, answer = {0};
    if (provider->endpoint != NULL)
        text_format(&url, "%s/", provider->endpoint);
    else
        text_format(&url, "https://sts.%s.amazonaws.com%s/", provider->region,
                    strncmp(provider->region, "cn-", 3) == 0 ? ".cn" : "");
    const struct question question = {.who = who,
                                      .url = url.at,
                                      .body = form,
                                      .ca_bundle = provider->ca_bundle,
                                      .ms = SERVICE_MS};
    int result = 1;
    if (!is_safe(url.at)) {
        result = fail("a web identity token is sent by https only, or on this machine, not to %s",
                      url.at);
    } else if (ask(&question, &answer) < 0) {
        char *code = element(&answer, "<Code>");
        result = -1;
        if (code != NULL)
            fail("%s %.*s", why(), (int)strspn(code, TEXT_LETTERS), code);
        free(code);
    } else if ((keys->key_id = element(&answer, "<AccessKeyId>")) == NULL ||
               (keys->secret = element(&answer, "<SecretAccessKey>")) == NULL ||
               (keys->token = element(&answer, "<SessionToken>")) == NULL) {
        result = fail("%s answers without keys", who);
    } else {
        char *expires = element(&answer, "<Expiration>");
        keys->expires = expires ? provider_time(expires) : 0;
        free(expires);
    }
    text_free(&url);
    text_wipe(&answer);
    return result;
}

static int ask_web_identity(const struct provider *provider, struct keys *keys)
{
    struct text token = {0}, form = {0};
    FILE *stream = fopen(provider->token_file, "re");
    if (stream == NULL)
        return fail("cannot read the web identity token %s: %s", provider->token_file,
                    strerror(errno));
    read_all(stream, MAX_TOKEN, &token);
    size_t size = strcspn(token.at, " \r\n");
    token.at[size] = '\0';
    int result = ferror(stream) || size == 0 || size > MAX_TOKEN
                     ? fail("%s holds no web identity token", provider->token_file)
                     : 0;
    fclose(stream);
    if (result == 0) {
        text_format(&form, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15");
        add_field(&form, "RoleArn", provider->role);
        add_field(&form, "RoleSessionName", provider->session ? provider->session : "psfetch");
        add_field(&form, "WebIdentityToken", token.at);
        result = ask_service(provider, form.at, keys);
    }
    text_wipe(&token);
    text_wipe(&form);
    return result;
}

int provider_ask(const struct provider *provider, struct keys *keys)
{
    switch (provider->kind) {
    case PROVIDER_PROCESS:
        return ask_process(keys, provider->command);
    case PROVIDER_WEB_IDENTITY:
        return ask_web_identity(provider, keys);
    case PROVIDER_CONTAINER:
        return ask_container(keys);
    case PROVIDER_MACHINE:
        return ask_machine(keys);
    default:
        return 0;
    }
}
