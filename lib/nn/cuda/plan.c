#include "plan.h"

#include "message.h"

#include <stdio.h>
#include <string.h>

typedef cudnnBackendDescriptor_t descriptor;

const char *const precision_names[PRECISIONS] = {
    [PRECISION_TF32] = "tf32", [PRECISION_FP32] = "fp32", [PRECISION_BF16] = "bf16"};

/* The tensors of a convolution are known to plans and packs by these numbers. */
enum { UID_X = 1, UID_W, UID_Y };
enum { ALIGNMENT = 16, MOST_CONFIGS = 64, MOST_NOTES = 32 };

/* -1 with what cuDNN says of its last failure. */
static int refused(cudnnStatus_t status, const char *what)
{
    char detail[600] = "";
    cudnnGetLastErrorString(detail, sizeof detail);
    return fail("cuDNN refuses %s: %s%s%s", what, cudnnGetErrorString(status), *detail ? ": " : "",
                detail);
}

static int create(cudnnBackendDescriptorType_t type, descriptor *made, const char *what)
{
    *made = NULL;
    cudnnStatus_t status = cudnnBackendCreateDescriptor(type, made);
    return status == CUDNN_STATUS_SUCCESS ? 0 : refused(status, what);
}

static void destroy(descriptor *d)
{
    if (*d)
        cudnnBackendDestroyDescriptor(*d);
    *d = NULL;
}

/* An attribute to be set. */
struct attribute {
    cudnnBackendAttributeName_t name;
    cudnnBackendAttributeType_t type;
    int64_t count;
    const void *value;
};

/* Sets attributes and finalises; count of them. */
static int fill(descriptor d, const struct attribute *attribute, size_t count, const char *what)
{
    for (size_t i = 0; i < count; i++) {
        const struct attribute *a = &attribute[i];
        cudnnStatus_t status = cudnnBackendSetAttribute(d, a->name, a->type, a->count, a->value);
        if (status != CUDNN_STATUS_SUCCESS)
            return refused(status, what);
    }
    cudnnStatus_t status = cudnnBackendFinalize(d);
    return status == CUDNN_STATUS_SUCCESS ? 0 : refused(status, what);
}
#define FILL(d, list, what) fill(d, list, sizeof(list) / sizeof *(list), what)

int planner_open(struct planner *planner, cudnnHandle_t handle, const char *json,
                 enum precision precision)
{
    *planner = (struct planner){
        .handle = handle, .precision = precision, .most_workspace = MOST_WORKSPACE};
    const char *what = "to describe the device";
    struct attribute attribute = {CUDNN_ATTR_DEVICEPROP_HANDLE, CUDNN_TYPE_HANDLE, 1, &handle};
    if (json)
        attribute = (struct attribute){CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
                                       (int64_t)strlen(json), json};
    if (create(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR, &planner->device, what) < 0)
        return -1;
    return fill(planner->device, &attribute, 1, what);
}

void planner_close(struct planner *planner)
{
    destroy(&planner->device);
}

/* extent: images (or filters), channels, height, width; memory has the channels innermost. */
static int make_tensor(descriptor *made, cudnnDataType_t type, int64_t uid, const int64_t extent[4])
{
    int64_t alignment = ALIGNMENT;
    int64_t stride[4] = {extent[1] * extent[2] * extent[3], 1, extent[3] * extent[1], extent[1]};
    const struct attribute attributes[] = {
        {CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type},
        {CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, extent},
        {CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, stride},
        {CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &alignment},
        {CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &uid},
    };
    if (create(CUDNN_BACKEND_TENSOR_DESCRIPTOR, made, "a tensor") < 0)
        return -1;
    return FILL(*made, attributes, "a tensor");
}

static int make_geometry(descriptor *made, int64_t kernel)
{
    cudnnDataType_t type = CUDNN_DATA_FLOAT;
    cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
    int64_t dimensions = 2, ones[2] = {1, 1}, padding[2] = {kernel / 2, kernel / 2};
    const struct attribute attributes[] = {
        {CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type},
        {CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode},
        {CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, 1, &dimensions},
        {CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 2, ones},
        {CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 2, ones},
        {CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 2, padding},
        {CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 2, padding},
    };
    if (create(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR, made, "a convolution") < 0)
        return -1;
    return FILL(*made, attributes, "a convolution");
}

static void graph_free(struct graph *g)
{
    descriptor *all[] = {&g->graph, &g->operation, &g->geometry, &g->y, &g->w, &g->x};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        destroy(all[i]);
}

/* The names of an operation's attributes, by direction. */
static const struct names {
    cudnnBackendDescriptorType_t type;
    cudnnBackendAttributeName_t alpha, beta, geometry, x, w, y;
} names[] = {
    [FORWARD] = {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
                 CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
                 CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA,
                 CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
                 CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
                 CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
                 CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y},
    [DATA_GRADIENT] = {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
                       CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
                       CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA,
                       CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
                       CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
                       CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
                       CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY},
    [WEIGHT_GRADIENT] = {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
                         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
                         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA,
                         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
                         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
                         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
                         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY},
};

static int graph_make(struct graph *g, const struct convolution *c, enum precision precision)
{
    const struct names *n = &names[c->direction];
    cudnnDataType_t type = precision == PRECISION_BF16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
    float one = 1, zero = 0;
    int64_t x[4] = {c->images, c->in_channels, c->height, c->width};
    int64_t w[4] = {c->channels, c->in_channels, c->kernel, c->kernel};
    int64_t y[4] = {c->images, c->channels, c->height, c->width};
    *g = (struct graph){0};
    if (make_tensor(&g->x, type, UID_X, x) < 0 || make_tensor(&g->w, type, UID_W, w) < 0 ||
        make_tensor(&g->y, type, UID_Y, y) < 0 || make_geometry(&g->geometry, c->kernel) < 0)
        return -1;
    const struct attribute operation[] = {
        {n->alpha, CUDNN_TYPE_FLOAT, 1, &one},
        {n->beta, CUDNN_TYPE_FLOAT, 1, &zero},
        {n->geometry, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &g->geometry},
        {n->x, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &g->x},
        {n->w, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &g->w},
        {n->y, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &g->y},
    };
    if (create(n->type, &g->operation, "an operation") < 0 ||
        FILL(g->operation, operation, "an operation") < 0)
        return -1;
    const struct attribute graph = {CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1,
                                    &g->operation};
    if (create(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, &g->graph, "a graph") < 0)
        return -1;
    return fill(g->graph, &graph, 1, "a graph");
}

static int get(descriptor d, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
               int64_t room, int64_t *count, void *value)
{
    cudnnStatus_t status = cudnnBackendGetAttribute(d, name, type, room, count, value);
    return status == CUDNN_STATUS_SUCCESS ? 0 : refused(status, "a question about an engine");
}

/* What is known of the engine of a configuration. */
struct engine_facts {
    int64_t number;
    bool tensor_cores, deterministic, compiles, exact; /* exact: float32 proper */
    bool narrows;                                      /* its inputs, more than TF32 does */
};

static int look_at(descriptor config, struct engine_facts *facts)
{
    descriptor engine;
    cudnnBackendNumericalNote_t numerical[MOST_NOTES];
    cudnnBackendBehaviorNote_t behaviour[MOST_NOTES];
    int64_t count, numericals = 0, behaviours = 0;
    *facts = (struct engine_facts){.deterministic = true, .exact = true};
    if (create(CUDNN_BACKEND_ENGINE_DESCRIPTOR, &engine, "an engine") < 0)
        return -1;
    int result =
        get(config, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &count, &engine);
    if (result == 0)
        result = get(engine, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, &count,
                     &facts->number);
    if (result == 0)
        result = get(engine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE,
                     MOST_NOTES, &numericals, numerical);
    if (result == 0)
        result = get(engine, CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, CUDNN_TYPE_BEHAVIOR_NOTE, MOST_NOTES,
                     &behaviours, behaviour);
    for (int64_t i = 0; result == 0 && i < numericals; i++) {
        facts->tensor_cores |= numerical[i] == CUDNN_NUMERICAL_NOTE_TENSOR_CORE;
        facts->narrows |= numerical[i] == CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS;
        facts->deterministic &= numerical[i] != CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC;
        /* Every other note tells of a way to compute less exactly. */
        facts->exact &= numerical[i] == CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC ||
                        numerical[i] == CUDNN_NUMERICAL_NOTE_STRICT_NAN_PROP;
    }
    for (int64_t i = 0; result == 0 && i < behaviours; i++)
        facts->compiles |= behaviour[i] == CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION;
    destroy(&engine);
    return result;
}

/* Makes the plan of a configuration, when that may be taken: 1; 0 when not, or when cuDNN finds
 * that it does not fit after all, or when it wants too much workspace; -1. */
static int try_config(const struct planner *planner, descriptor config, struct plan *plan)
{
    struct engine_facts facts;
    int64_t count;
    if (look_at(config, &facts) < 0)
        return -1;
    if (!facts.deterministic || facts.compiles || facts.narrows ||
        (planner->precision == PRECISION_FP32 && !facts.exact))
        return 0;
    const struct attribute attributes[] = {
        {CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &config},
        {CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &planner->device},
    };
    plan->engine = facts.number;
    plan->tensor_cores = facts.tensor_cores;
    if (create(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, &plan->plan, "a plan") < 0)
        return -1;
    if (FILL(plan->plan, attributes, "a plan") < 0) {
        destroy(&plan->plan); /* it does not fit after all */
        return 0;
    }
    if (get(plan->plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1, &count,
            &plan->workspace) < 0)
        return -1;
    if (plan->workspace <= planner->most_workspace)
        return 1;
    if (plan->passed_over < 0 || plan->workspace < plan->passed_over)
        plan->passed_over = plan->workspace;
    destroy(&plan->plan);
    return 0;
}

/* The configurations that cuDNN ranks for the graph, best first, tried one after the other: 1, 0,
 * -1 as above. */
static int try_ranking(const struct planner *planner, cudnnBackendHeurMode_t mode,
                       struct plan *plan)
{
    descriptor ranking, config[MOST_CONFIGS] = {NULL};
    int64_t count = 0;
    const struct attribute attributes[] = {
        {CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1,
         &plan->graph.graph},
        {CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode},
        {CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &planner->device},
    };
    int result = 0;
    if (create(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, &ranking, "a ranking") < 0)
        return -1;
    for (int i = 0; result == 0 && i < MOST_CONFIGS; i++)
        result = create(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, &config[i], "a configuration");
    /* A ranking that cannot be had is one without entries: the other mode may have some. */
    if (result == 0 && FILL(ranking, attributes, "a ranking") == 0)
        result = get(ranking, CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                     MOST_CONFIGS, &count, config);
    for (int64_t i = 0; result == 0 && i < count; i++) {
        result = try_config(planner, config[i], plan);
        if (result > 0) {
            plan->config = config[i];
            config[i] = NULL;
        }
    }
    for (int i = 0; i < MOST_CONFIGS; i++)
        destroy(&config[i]);
    destroy(&ranking);
    return result;
}

int plan_make(const struct planner *planner, const struct convolution *c, struct plan *plan)
{
    static const char *const what[] = {"forward", "data gradient", "weight gradient"};
    *plan = (struct plan){.passed_over = -1};
    int result = graph_make(&plan->graph, c, planner->precision);
    if (result == 0)
        result = try_ranking(planner, CUDNN_HEUR_MODE_A, plan);
    if (result == 0)
        result = try_ranking(planner, CUDNN_HEUR_MODE_FALLBACK, plan);
    if (result > 0)
        return 0;
    char reason[700];
    snprintf(reason, sizeof reason, "%s", result < 0 ? why() : "no deterministic engine fits");
    if (result == 0 && plan->passed_over >= 0)
        snprintf(reason, sizeof reason,
                 "its engines want %.1f MB of memory to work in, and may have %.1f: take a smaller "
                 "batch",
                 (double)plan->passed_over / 1e6, (double)planner->most_workspace / 1e6);
    plan_free(plan);
    return fail("cuDNN has no %s plan for the %s of %lld to %lld channels at %lldx%lld, kernel "
                "%lldx%lld, %lld images: %s",
                precision_names[planner->precision], what[c->direction], (long long)c->in_channels,
                (long long)c->channels, (long long)c->height, (long long)c->width,
                (long long)c->kernel, (long long)c->kernel, (long long)c->images, reason);
}

int plan_bind(struct plan *plan, void *x, void *w, void *y, void *workspace)
{
    const int64_t uid[3] = {UID_X, UID_W, UID_Y};
    void *const pointer[3] = {x, w, y};
    const struct attribute attributes[] = {
        {CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, 3, uid},
        {CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, 3, pointer},
        {CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &workspace},
    };
    destroy(&plan->pack);
    if (create(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, &plan->pack, "pointers") < 0)
        return -1;
    return FILL(plan->pack, attributes, "pointers");
}

int plan_run(cudnnHandle_t handle, const struct plan *plan)
{
    cudnnStatus_t status = cudnnBackendExecute(handle, plan->plan, plan->pack);
    return status == CUDNN_STATUS_SUCCESS ? 0 : refused(status, "to run a convolution");
}

void plan_free(struct plan *plan)
{
    destroy(&plan->pack);
    destroy(&plan->plan);
    destroy(&plan->config);
    graph_free(&plan->graph);
}
