/* Whether what is waited for is still wanted: asked every now and then by those who wait for a
 * network. */
#ifndef PSWEEP_LOOK_H
#define PSWEEP_LOOK_H

struct look {
    int (*at)(void *user); /* 0: go on; -1, with a sentence: nobody wants it any more */
    void *user;
};

#endif
