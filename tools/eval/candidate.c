#include "candidate.h"

#include "message.h"
#include "nn/device.h"
#include "nn/maths.h"
#include "runs/run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int candidate_open(struct candidate *candidate, const char *path, const char *device,
                   const struct engine_options *given)
{
    *candidate = (struct candidate){0};
    struct model *model = &candidate->model;
    if (model_read(model, path) < 0)
        return -1;
    struct engine_options options = *given;
    memcpy(options.mean, model->about.mean, sizeof options.mean);
    memcpy(options.deviation, model->about.deviation, sizeof options.deviation);
    if (engine_open(&candidate->engine, device, &model->net, &options) < 0 ||
        engine_write(candidate->engine, &(struct learnt){model->parameters, NULL, NULL}) < 0)
        return -1;
    return 0;
}

void candidate_begin(struct candidate *candidate, uint32_t batch, const struct looks *looks,
                     struct classes *all)
{
    const struct classes *known = &candidate->model.classes;
    size_t count = candidate->classes = all->count;
    candidate->looks = *looks;
    candidate->batch = batch;
    candidate->label = ealloc(batch, sizeof *candidate->label);
    candidate->probability =
        ealloc((size_t)looks->count * batch * known->count, sizeof *candidate->probability);
    candidate->place = ealloc(known->count, sizeof *candidate->place);
    candidate->own = ealloc(count, sizeof *candidate->own);
    for (uint32_t i = 0; i < count; i++)
        candidate->own[i] = NO_CLASS;
    classes_join(all, known, candidate->place);
    for (uint32_t i = known->count; i-- > 0;)
        candidate->own[candidate->place[i]] = i;
    for (int split = 0; split < SPLITS; split++) {
        struct evaluation *score = &candidate->score[split];
        if (count <= MOST_CONFUSION)
            score->confusion = ealloc(count * count, sizeof *score->confusion);
        score->support = ealloc(3 * count, sizeof *score->support);
        score->predicted = score->support + count;
        score->true_positives = score->support + 2 * count;
    }
}

void candidate_close(struct candidate *candidate)
{
    engine_close(candidate->engine);
    model_free(&candidate->model);
    free(candidate->label);
    free(candidate->probability);
    free(candidate->place);
    free(candidate->own);
    for (int split = 0; split < SPLITS; split++) {
        free(candidate->score[split].confusion);
        free(candidate->score[split].support);
    }
}

int candidate_knows(const struct candidate *candidate, const char *name, uint32_t class)
{
    if (class != NO_CLASS && candidate->own[class] != NO_CLASS)
        return 0;
    /* The labels of shards are numbers where no file names them. */
    int is_number = *name != '\0' && name[strspn(name, "0123456789")] == '\0';
    return fail("the images have a class that %s does not know: %s (psfetch %s)",
                candidate->model.name, name,
                is_number ? "--classes can give it a name" : "--exclude can leave it out");
}

uint32_t candidate_guess(const struct candidate *candidate, uint32_t image, double *probability)
{
    uint32_t classes = candidate->model.classes.count, best = 0;
    const float *said = candidate->probability + (size_t)image * classes;
    for (uint32_t c = 1; c < classes; c++)
        if (said[c] > said[best])
            best = c;
    *probability = said[best];
    return isnan(said[best]) ? NO_CLASS : candidate->place[best];
}

/* Adds the cross entropy of what was said of count images, one by one: the sum is the same for
 * mini-batches of any size. */
static void add_losses(const struct candidate *candidate, uint32_t count, double *loss)
{
    for (uint32_t i = 0; i < count; i++) {
        size_t place = (size_t)i * candidate->model.classes.count + candidate->label[i];
        float probability = candidate->probability[place];
        *loss -= maths_log(probability == 0 ? 0x1p-149 : probability);
    }
}

/* label, in its own table, and outcome, of the last look, are NULL where nobody wants to know. */
static int ask(struct candidate *candidate, const uint8_t *pixels, const uint32_t *label,
               uint32_t count, struct outcome *outcome)
{
    const struct net_shape *shape = &candidate->model.net.shape;
    size_t size = (size_t)candidate->batch * shape->height * shape->width * shape->channels;
    size_t values = (size_t)count * candidate->model.classes.count;
    for (uint32_t l = 0; l < candidate->looks.count; l++)
        if (engine_predict(candidate->engine, pixels + l * size, label, count,
                           candidate->probability + l * values, outcome) < 0)
            return -1;
    if (candidate->looks.count > 1)
        looks_mean(&candidate->looks, candidate->probability, values);
    return 0;
}

int candidate_ask(struct candidate *candidate, const uint8_t *pixels, uint32_t count)
{
    return ask(candidate, pixels, NULL, count, NULL);
}

int candidate_examine(struct candidate *candidate, enum split split, const uint8_t *pixels,
                      const uint32_t *label, uint32_t count)
{
    struct evaluation *score = &candidate->score[split];
    struct outcome outcome = {0};
    for (uint32_t i = 0; i < count; i++)
        candidate->label[i] = candidate->own[label[i]];
    if (ask(candidate, pixels, candidate->label, count, &outcome) < 0)
        return -1;
    score->images += count;
    if (candidate->looks.count > 1)
        add_losses(candidate, count, &score->loss);
    else
        score->loss += outcome.loss;
    for (uint32_t i = 0; i < count; i++) {
        double probability;
        uint32_t guess = candidate_guess(candidate, i, &probability);
        score->support[label[i]]++;
        if (guess == NO_CLASS)
            continue;
        if (score->confusion)
            score->confusion[(size_t)label[i] * candidate->classes + guess]++;
        score->predicted[guess]++;
        score->true_positives[guess] += guess == label[i];
        score->correct += guess == label[i];
    }
    return 0;
}

/* The parts that are right, for each class, nil where there is nothing to divide by. */
static void pack_shares(struct writer *writer, const char *key, const struct evaluation *score,
                        const uint64_t *all, uint32_t classes)
{
    pack_array(writer, key);
    for (uint32_t c = 0; c < classes; c++)
        if (all[c] == 0)
            pack_nil(writer, NULL);
        else
            pack_real(writer, NULL, (double)score->true_positives[c] / (double)all[c]);
    pack_close(writer);
}

void candidate_tell(const struct candidate *candidate, enum split split)
{
    const struct evaluation *score = &candidate->score[split];
    double images = (double)score->images;
    note("%s: %.2f %% of %llu %s image%s are right, loss %s%s%s", candidate->model.name,
         100 * (double)score->correct / images, (unsigned long long)score->images,
         split_name[split], plural(score->images), loss_text(score->loss / images, 4),
         candidate->looks.name ? ", by --tta " : "",
         candidate->looks.name ? candidate->looks.name : "");
}

int candidate_write(struct writer *writer, const struct candidate *candidate, uint32_t number,
                    enum split split)
{
    const struct evaluation *score = &candidate->score[split];
    const struct model *model = &candidate->model;
    uint32_t classes = candidate->classes;
    double images = (double)score->images;
    write_begin(writer, "score");
    pack_uint(writer, "run", number);
    pack_text(writer, "name", model->name);
    if (model->net.shape.stages[0]) {
        pack_nil(writer, "depth");
        pack_text(writer, "network", model->net.shape.stages);
    } else {
        pack_uint(writer, "depth", model->net.shape.depth);
    }
    const struct sample *kept = run_kept(model->run, model->run->validation.count);
    pack_uint(writer, "epoch",
              model->run->keeps_best && kept ? kept->epoch - (kept->inside ? 1 : 0)
                                             : model->run->epoch);
    pack_bool(writer, "stopped", model->run->stopped);
    pack_text(writer, "split", split_name[split]);
    if (candidate->looks.name)
        pack_text(writer, "tta", candidate->looks.name);
    pack_uint(writer, "images", score->images);
    pack_real(writer, "loss", score->loss / images);
    pack_real(writer, "accuracy", (double)score->correct / images);
    if (score->confusion)
        pack_array(writer, "confusion");
    else
        pack_nil(writer, "confusion");
    for (uint32_t row = 0; score->confusion && row < classes; row++) {
        pack_array(writer, NULL);
        for (uint32_t column = 0; column < classes; column++)
            pack_uint(writer, NULL, score->confusion[row * classes + column]);
        pack_close(writer);
    }
    if (score->confusion)
        pack_close(writer);
    pack_shares(writer, "precision", score, score->predicted, classes);
    pack_shares(writer, "recall", score, score->support, classes);
    return write_end(writer);
}
