/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fuzz_flow_table.c - operations on a flow table against a plain array of what it must hold. Hashes are
 * chosen by the input, so that buckets fill up and tags collide.
 */
#include "fuzz.h"
#include "rolecall/flow.h"

enum { FLOWS = 64, KEYS = 512 };

struct model {
    struct flow_table *table;
    uint32_t index[KEYS]; /* 0: not in the table */
    uint32_t count;
    uint8_t spread;
    int64_t now_ns;
};

static struct flow_key key_of(unsigned number)
{
    struct flow_key key;
    memset(&key, 0, sizeof key);
    key.port[0] = (uint16_t)number;
    key.protocol = number % 2 ? IP_TCP : IP_UDP;
    return key;
}

static uint64_t hash_of(const struct model *model, unsigned number)
{
    return number % (model->spread + 1u) | (uint64_t)(number & model->spread) << 48;
}

static void gone(void *context, struct flow *flow, uint32_t index, enum flow_end end)
{
    struct model *model = context;
    unsigned number = flow->key.port[0];
    CHECK(number < KEYS && model->index[number] == index);
    CHECK(end == FLOW_END_EVICTED || flow_is_idle(flow, model->now_ns));
    CHECK(flow_end_name(end));
    model->index[number] = 0;
    model->count--;
}

struct visit {
    const struct model *model;
    uint32_t count;
};

static void visited(void *context, struct flow *flow, uint32_t index, enum flow_end end)
{
    struct visit *visit = context;
    (void)end;
    CHECK(visit->model->index[flow->key.port[0]] == index);
    visit->count++;
}

static void find_or_add(struct model *model, unsigned number, uint16_t flags, bool add)
{
    struct flow_key key = key_of(number);
    uint32_t index = 0;
    struct flow *flow = flow_table_find(model->table, &key, hash_of(model, number), &index);
    CHECK(!flow == !model->index[number]);
    CHECK(!flow || index == model->index[number]);
    if (!flow && add) {
        flow = flow_table_add(model->table, &key, hash_of(model, number), &index, gone, model);
        CHECK(flow && index > 0 && index <= FLOWS && flow->packets[0] == 0 && flow->identity.work == 0);
        model->index[number] = index;
        model->count++;
    }
    if (flow) {
        CHECK(memcmp(&flow->key, &key, sizeof key) == 0);
        flow->last_ns = model->now_ns;
        flow->flags |= flags;
    }
}

static void check(const struct model *model)
{
    struct visit visit = {.model = model};
    CHECK(flow_table_count(model->table) == model->count && model->count <= FLOWS);
    flow_table_each(model->table, visited, &visit);
    CHECK(visit.count == model->count);
}

static void silent(void *context, struct flow *flow, uint32_t index, enum flow_end end)
{
    const struct model *model = context;
    (void)end;
    CHECK(flow->flags & FLOW_SILENT);
    CHECK(index > 0 && index <= FLOWS && flow_is_silent(flow, model->now_ns));
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    static struct model model;
    struct bytes b = bytes_of(input, size);
    model = (struct model){.table = flow_table_create(FLOWS), .spread = bytes_u8(&b)};
    CHECK(model.table);
    while (b.left > 0) {
        uint8_t operation = bytes_u8(&b);
        uint16_t value = bytes_u16(&b);
        unsigned number = value % KEYS;
        switch (operation % 5) {
        case 0:
        case 1:
            find_or_add(&model, number, (uint16_t)(1u << (value >> 12)), operation % 5);
            break;
        case 2:
            if (model.index[number]) {
                flow_table_remove(model.table, model.index[number]);
                model.index[number] = 0;
                model.count--;
            }
            break;
        case 3:
            model.now_ns += INT64_C(1000) << (value % 30);
            flow_table_expire(model.table, model.now_ns, operation / 5u, gone, silent, &model);
            break;
        default:
            model.now_ns += (int16_t)value * INT64_C(1000000);
            check(&model);
        }
    }
    check(&model);
    flow_table_destroy(model.table);
    return 0;
}
