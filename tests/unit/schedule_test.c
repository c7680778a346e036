/* The learning rate of an iteration, with values by hand. */
#include "schedule.h"

#include "tap.h"

#include <math.h>

/* Each of rate[count], from the iteration first on, is what the schedule gives. */
static void expect(const struct schedule *schedule, uint64_t first, const double *rate,
                   size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double got = schedule_rate(schedule, first + i);
        if (!(fabs(got - rate[i]) <= 1e-12 * fabs(rate[i])))
            fail_msg("iteration %zu: %.15g, not %.15g", (size_t)first + i, got, rate[i]);
    }
}
#define EXPECT(schedule, first, ...)                                                               \
    expect(&(schedule), first, (const double[]){__VA_ARGS__},                                      \
           sizeof(const double[]){__VA_ARGS__} / sizeof(double))

static void constant_and_drops(void **state)
{
    (void)state;
    struct schedule s = {.kind = SCHEDULE_CONSTANT, .rate = 0.05, .horizon = 1};
    EXPECT(s, 1, 0.05, 0.05);
    EXPECT(s, 1000000, 0.05);
    s = (struct schedule){
        .kind = SCHEDULE_STEP, .rate = 8, .period = 3, .factor = 0.5, .horizon = 1};
    EXPECT(s, 1, 8, 8, 8, 4, 4, 4, 2, 2, 2, 1);
    s.kind = SCHEDULE_EXPONENTIAL;
    EXPECT(s, 1, 8, 6.34960420787279762, 5.03968419957949266, 4, 3.17480210393639881);
    EXPECT(s, 10, 1);
}

static void falls_end_at_the_horizon(void **state)
{
    (void)state;
    struct schedule s = {.kind = SCHEDULE_LINEAR, .rate = 2, .horizon = 4};
    EXPECT(s, 1, 2, 1.5, 1, 0.5, 0, 0);
    s.kind = SCHEDULE_COSINE;
    EXPECT(s, 1, 2, 1.70710678118654752, 1, 0.29289321881345248, 0, 0);
    EXPECT(s, UINT64_MAX, 0);
}

/* The rate rises up to the last iteration of the warm-up; what falls does so from there. */
static void warm_ups(void **state)
{
    (void)state;
    struct schedule s = {.kind = SCHEDULE_LINEAR, .rate = 2, .warm_up = 4, .horizon = 8};
    EXPECT(s, 1, 0.5, 1, 1.5, 2, 2, 1.5, 1, 0.5, 0);
    s.kind = SCHEDULE_COSINE;
    EXPECT(s, 4, 2, 2, 1.70710678118654752, 1, 0.29289321881345248, 0);
    s.kind = SCHEDULE_CONSTANT;
    EXPECT(s, 3, 1.5, 2, 2, 2);
    s.warm_up = 2.5; /* half an epoch of five */
    EXPECT(s, 1, 0.8, 1.6, 2, 2);
    s = (struct schedule){
        .kind = SCHEDULE_STEP, .rate = 2, .warm_up = 2, .period = 3, .factor = 0.5, .horizon = 8};
    EXPECT(s, 1, 1, 2, 2, 1, 1, 1, 0.5);
}

/* PyTorch: OneCycleLR(optimizer, max_lr=1, total_steps=20). */
static void one_cycle(void **state)
{
    (void)state;
    struct schedule s = {.kind = SCHEDULE_ONE_CYCLE, .rate = 1, .horizon = 20};
    EXPECT(s, 1, 0.04, 0.04 + 0.96 * 0.09549150281252627, 0.04 + 0.96 * 0.34549150281252627,
           0.04 + 0.96 * 0.65450849718747373, 0.04 + 0.96 * 0.90450849718747373, 1);
    EXPECT(s, 13, 0.500002);
    EXPECT(s, 20, 4e-6, 4e-6);
    s.horizon = 1; /* too short to rise */
    EXPECT(s, 1, 4e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constant_and_drops),
        cmocka_unit_test(falls_end_at_the_horizon),
        cmocka_unit_test(warm_ups),
        cmocka_unit_test(one_cycle),
    };
    return RUN_TESTS(tests);
}
