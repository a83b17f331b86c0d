/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fuzz_flow_table.c - operations on a flow table against a plain array of what it must hold. Hashes are
 * chosen by the input, so that buckets fill up and tags collide.
 */
#include "fuzz.h"
#include "flow/kept.h"

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
    if (number % 3) /* else IPv6 */
        key.addr[0] = key.addr[1] = addr_v4((const uint8_t[4]){10, 0, 0, 1});
    return key;
}

static uint64_t hash_of(const struct model *model, unsigned number)
{
    return (uint64_t)(number % (model->spread + 1u)) << 24 | (uint64_t)(number & model->spread) << 48;
}

static unsigned number_of(const struct model *model, uint32_t index)
{
    struct flow_key key;
    flow_key_at(model->table, index, &key);
    return key.port[0];
}

static void gone(void *context, uint32_t index, enum flow_end end)
{
    struct model *model = context;
    unsigned number = number_of(model, index);
    CHECK(number < KEYS && model->index[number] == index);
    CHECK(end == FLOW_END_EVICTED || flow_is_idle(model->table, index, model->now_ns));
    CHECK(flow_end_name(end));
    model->index[number] = 0;
    model->count--;
}

static void find_or_add(struct model *model, unsigned number, uint16_t flags, bool add)
{
    struct flow_key key = key_of(number), kept;
    uint64_t hash = hash_of(model, number);
    uint32_t index = flow_table_find(model->table, &key, hash, flow_table_guess(model->table, hash));
    CHECK(index == model->index[number]);
    if (!index && add) {
        index = flow_table_add(model->table, &key, hash, gone, model);
        CHECK(index > 0 && index <= FLOWS && line_at(model->table, index)->packets[0] == 0);
        CHECK(flow_identity(model->table, index)->memo == 0);
        model->index[number] = index;
        model->count++;
    }
    if (index) {
        flow_key_at(model->table, index, &kept);
        CHECK(memcmp(&kept, &key, sizeof key) == 0);
        line_at(model->table, index)->last_ns = model->now_ns;
        line_at(model->table, index)->flags |= flags;
    }
}

static void check(const struct model *model)
{
    uint32_t list[FLOWS];
    CHECK(flow_table_count(model->table) == model->count && model->count <= FLOWS);
    flow_table_list(model->table, list);
    for (uint32_t i = 0; i < model->count; i++) {
        CHECK(model->index[number_of(model, list[i])] == list[i]);
        CHECK(!i || flow_began_before(model->table, list[i - 1], model->table, list[i]));
    }
}

static void silent(void *context, uint32_t index, enum flow_end end)
{
    const struct model *model = context;
    (void)end;
    CHECK(index > 0 && index <= FLOWS && flow_is_silent(model->table, index, model->now_ns));
    CHECK(line_at(model->table, index)->flags & FLOW_SILENT);
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
                flow_table_remove(model.table, model.index[number], hash_of(&model, number));
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
