/* Pages of a bucket's listing, one after the other, on a connection of their own. */
#ifndef PSWEEP_LISTING_H
#define PSWEEP_LISTING_H

#include "request.h"

struct lister {
    struct request request;
    struct sigv4_signer signer;
    struct look look;
};

/* Opens in place. look is copied. 0 or -1 with a sentence; lister_close() also then. */
int lister_open(struct lister *lister, struct s3 *s3, const struct look *look);
void lister_close(struct lister *lister);

/* Appends to listing, whose bucket and folder say what is asked for, at most so many pages from
 * token on, which becomes that of the next page, "" when there are no more. With flat 0, what lies
 * in folders is not listed, but these folders. 0, or -1 with a sentence. */
int lister_pages(struct lister *lister, struct s3_listing *listing, int flat, size_t pages,
                 struct text *token);

/* Lists all folders of listing (listing->prefix) at once, appends what they hold, and forgets them.
 * The main thread asks look meanwhile. */
int list_folders(struct s3 *s3, struct s3_listing *listing);

#endif
