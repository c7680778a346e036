/* Keys for a web identity, as pods of Kubernetes have one: Amazon's Security Token Service gives
 * them for a role and the token that lies in a file (AssumeRoleWithWebIdentity, of the STS API
 * reference). Nothing is signed. The file is read anew each time, for tokens change. */
#include "credentials/provider.h"

#include "credentials/ask.h"
#include "message.h"
#include "s3/s3xml.h"
#include "s3/sigv4.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { SERVICE_MS = 10000, MAX_TOKEN = 16 << 10 };

static int read_token(const char *path, struct text *token)
{
    char block[4096];
    size_t got;
    FILE *stream = fopen(path, "re");
    if (stream == NULL)
        return fail("cannot read the web identity token %s: %s", path, strerror(errno));
    text_clear(token);
    while (token->size <= MAX_TOKEN && (got = fread(block, 1, sizeof block, stream)) > 0)
        text_bytes(token, block, got);
    int failed = ferror(stream);
    fclose(stream);
    explicit_bzero(block, sizeof block);
    token->size = strcspn(token->at, " \r\n");
    token->at[token->size] = '\0';
    return !failed && token->size > 0 && token->size <= MAX_TOKEN
               ? 0
               : fail("%s holds no web identity token", path);
}

static void add_field(struct text *form, const char *name, const char *value)
{
    text_format(form, "&%s=", name);
    sigv4_encode(form, value, strlen(value), "");
}

/* The text of an element, which has neither attributes nor entities. */
static int take(const char *xml, const char *open, struct text *value)
{
    const char *at = strstr(xml, open);
    text_clear(value);
    if (at != NULL) {
        at += strlen(open);
        text_bytes(value, at, strcspn(at, "<&"));
    }
    return at != NULL && value->size > 0 && at[value->size] == '<';
}

static int take_keys(const char *xml, struct keys *keys)
{
    struct text expires = {0};
    int found = take(xml, "<AccessKeyId>", &keys->key_id) &&
                take(xml, "<SecretAccessKey>", &keys->secret) &&
                take(xml, "<SessionToken>", &keys->token);
    if (found && take(xml, "<Expiration>", &expires))
        keys->expires = provider_time(expires.at);
    text_free(&expires);
    return found ? 1 : fail("%s answers without keys", provider_name(PROVIDER_WEB_IDENTITY));
}

static int ask_service(const struct provider *provider, const char *form, struct text *answer)
{
    struct text url = {0};
    char code[64];
    if (provider->endpoint != NULL)
        text_format(&url, "%s/", provider->endpoint);
    else
        text_format(&url, "https://sts.%s.amazonaws.com%s/", provider->region,
                    strncmp(provider->region, "cn-", 3) == 0 ? ".cn" : "");
    int done = ask_is_safe(url.at) ? 0
                                   : fail("a web identity token is sent by https only, or on this "
                                          "machine, not to %s",
                                          url.at);
    if (done == 0)
        done = ask(&(struct question){.who = provider_name(PROVIDER_WEB_IDENTITY),
                                      .url = url.at,
                                      .body = form,
                                      .ca_bundle = provider->ca_bundle,
                                      .ms = SERVICE_MS},
                   answer);
    if (done < 0 && answer->size > 0) {
        s3xml_code((const uint8_t *)answer->at, answer->size, code);
        fail("%s %s", why(), code);
    }
    text_free(&url);
    return done;
}

int provider_web_identity(const struct provider *provider, struct keys *keys)
{
    struct text token = {0}, form = {0}, answer = {0};
    int result = read_token(provider->token_file, &token);
    if (result == 0) {
        text_format(&form, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15");
        add_field(&form, "RoleArn", provider->role);
        add_field(&form, "RoleSessionName", provider->session ? provider->session : "psfetch");
        add_field(&form, "WebIdentityToken", token.at);
        result = ask_service(provider, form.at, &answer);
    }
    if (result == 0)
        result = take_keys(answer.at, keys);
    wipe(&token);
    wipe(&form);
    wipe(&answer);
    return result;
}
