/* Who asks, and where: S3 keys, region and endpoint from options, environment and profile files.
 *
 * Each value is taken from the first place that has it:
 *
 *   keys      --no-sign-request: none, requests go out unsigned
 *             --profile
 *             AWS_ACCESS_KEY_ID + AWS_SECRET_ACCESS_KEY (+ AWS_SESSION_TOKEN or
 *             AWS_SECURITY_TOKEN)
 *             the profile AWS_PROFILE, AWS_DEFAULT_PROFILE or "default": its keys, or those that
 *             its credential_process hands out
 *             AWS_WEB_IDENTITY_TOKEN_FILE + AWS_ROLE_ARN (+ AWS_ROLE_SESSION_NAME), at
 *             AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL or Amazon's token service; before that, the
 *             same of the profile
 *             the container's agent, the machine's metadata service (provider.h)
 *   region    --region, AWS_REGION, AWS_DEFAULT_REGION, the profile, us-east-1
 *   endpoint  --endpoint-url, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, the profile's services
 *             section, the profile's endpoint_url; none: Amazon's. All but the option are ignored
 *             when AWS_IGNORE_CONFIGURED_ENDPOINT_URLS is true
 *   style     addressing_style in the profile's s3 group: path or virtual; auto: the bucket stands
 *             in the path with an endpoint of one's own, else in the host name
 *   CA file   AWS_CA_BUNDLE, CURL_CA_BUNDLE, SSL_CERT_FILE, the profile's ca_bundle; none:
 *             libcurl's, or where that is not here (a bundle's libcurl is Debian's) that of the
 *             machine's distribution
 *   attempts  AWS_MAX_ATTEMPTS, the profile's max_attempts, 12
 *
 * Profiles are read from AWS_SHARED_CREDENTIALS_FILE (~/.aws/credentials, sections [name]) first,
 * then AWS_CONFIG_FILE (~/.aws/config, sections [profile name] and [default]). A profile that was
 * named must exist; the default one need not. Nothing found is an error, never a silent anonymous
 * request; so is half a pair of keys, and what is found but not done here: roles to assume by other
 * keys, and single sign-on.
 *
 * No secret and no token is ever part of a sentence. Nor of a core dump: they lie in our
 * environment and in what libcurl sends, besides our own memory, so a program that looks for keys
 * leaves no core from then on, wherever the system would put it. (A debugger must then start it, or
 * be root's.)
 */
#ifndef PSWEEP_CREDENTIALS_H
#define PSWEEP_CREDENTIALS_H

#include "credentials/cache.h"

/* From the command line; NULL: not given. Borrowed during the call. */
struct access_options {
    const char *profile;      /* --profile NAME */
    const char *region;       /* --region NAME */
    const char *endpoint_url; /* --endpoint-url http[s]://host[:port][/path] */
    int no_sign_request;      /* --no-sign-request */
};

/* All is owned by the struct. */
struct access {
    struct cache *cache; /* NULL: unsigned requests */
    char *region;
    char *endpoint;  /* NULL: Amazon's; else without a trailing slash */
    char *ca_bundle; /* NULL: libcurl's own */
    enum { STYLE_AUTO, STYLE_PATH, STYLE_VIRTUAL } style;
    unsigned attempts; /* tries a request gets, ≥ 1 */
};

/* 0, or -1 with a sentence that names what is missing or half there; then nothing is to be freed.
 * options NULL: for pages of the web: no keys, no endpoint; what the environment says of CA file
 * and attempts. */
int access_find(struct access *access, const struct access_options *options);

/* Where below root ("" but for tests) a distribution keeps the certificates of authorities, when
 * the usual file, which libcurl would take, is not there. NULL: it is, or none is. */
const char *authorities(const char *root, const char *usual);

/* Frees all, overwriting what is secret first. */
void access_free(struct access *access);

#endif
