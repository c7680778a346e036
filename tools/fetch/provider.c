#include "provider.h"

#include "json.h"
#include "message.h"

#include <curl/curl.h>
#include <errno.h>
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

static void wipe(struct text *text)
{
    if (text->at != NULL)
        explicit_bzero(text->at, text->capacity);
    text_free(text);
}

void keys_free(struct keys *keys)
{
    wipe(&keys->key_id);
    wipe(&keys->secret);
    wipe(&keys->token);
}

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && *value != '\0' ? value : NULL;
}

/* Takes the keys out of an answer; who gave it is for sentences. */
static int take_keys(struct keys *keys, const char *json, const char *token, const char *who)
{
    int id = json_text(json, "AccessKeyId", &keys->key_id);
    int secret = json_text(json, "SecretAccessKey", &keys->secret);
    if (id < 0 || secret < 0)
        return fail("%s answers what is no JSON object", who);
    if (id == 0 || secret == 0)
        return fail("%s answers without %s", who, id ? "SecretAccessKey" : "AccessKeyId");
    json_text(json, token, &keys->token);
    return 1;
}

int provider_process(struct keys *keys, const char *command)
{
    static const char who[] = "the credential_process of the profile";
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
    int result = status == -1          ? fail("cannot wait for %s: %s", who, strerror(errno))
                 : WIFSIGNALED(status) ? fail("%s was ended by signal %d", who, WTERMSIG(status))
                 : WEXITSTATUS(status) ? fail("%s ended with status %d", who, WEXITSTATUS(status))
                                       : take_keys(keys, answer.at, "SessionToken", who);
    wipe(&answer);
    return result;
}

static size_t on_body(char *bytes, size_t one, size_t size, void *user)
{
    (void)one;
    struct text *answer = user;
    if (answer->size + size > MAX_ANSWER)
        return 0;
    text_bytes(answer, bytes, size);
    return size;
}

/* Asks url, with a header line or NULL; method NULL: GET. 0 with status 200 and the answer, else -1
 * with a sentence. These are neighbours: no proxy, no redirect. */
static int ask(const char *url, const char *method, const char *header, long ms,
               struct text *answer, const char *who)
{
    CURL *easy = curl_easy_init();
    struct curl_slist *headers = header ? curl_slist_append(NULL, header) : NULL;
    if (easy == NULL || (header && headers == NULL)) {
        curl_easy_cleanup(easy);
        return fail("libcurl cannot start a transfer");
    }
    long status = 0;
    text_clear(answer);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, ms);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, answer);
    CURLcode code = curl_easy_perform(easy);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
    if (code != CURLE_OK)
        return fail("%s does not answer: %s", who, curl_easy_strerror(code));
    return status == 200 ? 0 : fail("%s answers with status %ld", who, status);
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

/* Keys go over a wire in the clear only where that is this machine's own. */
static int is_near(const char *url)
{
    static const char *const near[] = {
        "http://127.",           "http://localhost:",      "http://localhost/", "http://[::1]",
        "http://169.254.170.2/", "http://169.254.170.23/", "https://"};
    for (size_t i = 0; i < sizeof near / sizeof *near; i++)
        if (strncasecmp(url, near[i], strlen(near[i])) == 0)
            return 1;
    return 0;
}

int provider_container(struct keys *keys)
{
    static const char who[] = "the container's agent for S3 keys";
    const char *full = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    const char *relative = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    if (full == NULL && relative == NULL)
        return 0;
    if (relative == NULL && !is_near(full))
        return fail("AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor on this machine");
    struct text url = {0}, header = {0}, answer = {0};
    if (relative != NULL)
        text_format(&url, "http://169.254.170.2%s", relative);
    else
        text_format(&url, "%s", full);
    int result = container_header(&header);
    if (result == 0)
        result = ask(url.at, NULL, header.at, CONTAINER_MS, &answer, who);
    if (result == 0)
        result = take_keys(keys, answer.at, "Token", who);
    text_free(&url);
    wipe(&header);
    wipe(&answer);
    return result;
}

/* The three questions to the metadata service: a token, the name of the role, its keys. */
static int ask_machine(struct keys *keys, const char *endpoint, struct text *header,
                       struct text *answer)
{
    static const char who[] = "the machine's metadata service";
    static const char path[] = "/latest/meta-data/iam/security-credentials/";
    struct text url = {0};
    text_format(&url, "%s/latest/api/token", endpoint);
    if (ask(url.at, "PUT", "X-aws-ec2-metadata-token-ttl-seconds: 21600", MACHINE_MS, answer, who) <
        0) {
        text_free(&url);
        return 0; /* most machines have none */
    }
    text_format(header, "X-aws-ec2-metadata-token: %s", answer->at);
    text_clear(&url);
    text_format(&url, "%s%s", endpoint, path);
    int result = ask(url.at, NULL, header->at, MACHINE_MS, answer, who);
    if (result == 0) {
        answer->at[strcspn(answer->at, "\r\n")] = '\0';
        text_format(&url, "%s", answer->at);
        result = ask(url.at, NULL, header->at, MACHINE_MS, answer, who);
    }
    if (result == 0)
        result = take_keys(keys, answer->at, "Token", who);
    text_free(&url);
    return result;
}

int provider_machine(struct keys *keys)
{
    const char *disabled = variable("AWS_EC2_METADATA_DISABLED");
    const char *endpoint = variable("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    if (disabled != NULL && strcasecmp(disabled, "true") == 0)
        return 0;
    struct text base = {0}, header = {0}, answer = {0};
    text_format(&base, "%s", endpoint ? endpoint : "http://169.254.169.254");
    while (base.size > 0 && base.at[base.size - 1] == '/')
        base.at[--base.size] = '\0';
    int result = ask_machine(keys, base.at, &header, &answer);
    text_free(&base);
    wipe(&header);
    wipe(&answer);
    return result;
}
