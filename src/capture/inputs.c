/* SPDX-License-Identifier: BSD-2-Clause
 *
 * inputs.c - which files a command line means, and in which order they are read. Called by file.c. Of a
 * folder it takes the regular files directly inside, links to such files included, and no hidden ones; it
 * opens nothing.
 */
#include "inputs.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

void capture_errors_add(struct capture_errors *errors, const char *format, ...)
{
    if (errors->count < CAPTURE_ERRORS_MAX) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(errors->text[errors->count], CAPTURE_TEXT_SIZE, format, arguments);
        va_end(arguments);
    }
    errors->count++;
}

static bool no_memory(struct capture_errors *errors)
{
    capture_errors_add(errors, "%s", strerror(ENOMEM));
    return false;
}

/* Takes `path` over. */
static bool add(struct inputs *inputs, char *path, const struct stat *status, struct capture_errors *errors)
{
    if (path && inputs->count == inputs->room) {
        size_t room = inputs->room ? inputs->room * 2 : 16;
        struct input *list = realloc(inputs->list, room * sizeof(*list));
        if (list) {
            inputs->list = list;
            inputs->room = room;
        }
    }
    if (!path || inputs->count == inputs->room) {
        free(path);
        return no_memory(errors);
    }
    struct input *input = &inputs->list[inputs->count++];
    memset(input, 0, sizeof(*input));
    input->path = path;
    input->info.name = path;
    input->info.linktype = -1;
    input->info.linktype_name = "";
    input->is_stream = status && !S_ISREG(status->st_mode);
    input->info.size = status && S_ISREG(status->st_mode) ? (uint64_t)status->st_size : 0;
    return true;
}

static char *join(const char *folder, const char *name)
{
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = malloc(size);
    if (path)
        snprintf(path, size, "%s%s%s", folder, folder[strlen(folder) - 1] == '/' ? "" : "/", name);
    return path;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* strcmp, not the locale's order: the same folder is the same list everywhere. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static bool add_folder(struct inputs *inputs, const char *folder, struct capture_errors *errors)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, is_visible, by_name);
    if (count < 0) {
        capture_errors_add(errors, "%s: %s", folder, strerror(errno));
        return true;
    }
    bool ok = true;
    size_t before = inputs->count;
    for (int i = 0; i < count; i++) {
        char *path = ok ? join(folder, entries[i]->d_name) : NULL;
        struct stat status;
        if (!path || (stat(path, &status) == 0 && S_ISREG(status.st_mode)))
            ok = ok && add(inputs, path, &status, errors);
        else
            free(path);
        free(entries[i]);
    }
    free(entries);
    if (ok && inputs->count == before)
        capture_errors_add(errors, "%s: no files in this folder", folder);
    return ok;
}

static bool add_path(struct inputs *inputs, const char *path, struct capture_errors *errors)
{
    struct stat status;
    if (strcmp(path, "-") == 0) {
        status.st_mode = S_IFIFO;
        return add(inputs, strdup(path), &status, errors);
    }
    if (stat(path, &status) != 0) {
        capture_errors_add(errors, "%s: %s", path, strerror(errno));
        return true;
    }
    if (S_ISDIR(status.st_mode))
        return add_folder(inputs, path, errors);
    return add(inputs, strdup(path), &status, errors);
}

bool inputs_expand(struct inputs *inputs, const char *const *paths, size_t path_count,
                   struct capture_errors *errors)
{
    for (size_t i = 0; i < path_count; i++)
        if (!add_path(inputs, paths[i], errors))
            return false;
    for (size_t i = 0; i < inputs->count; i++) {
        if (inputs->list[i].is_stream && path_count > 1) {
            capture_errors_add(errors,
                               "%s: a stream must be the only input: its packets cannot be put in order",
                               inputs->list[i].path);
            errors->is_usage = true;
            return false;
        }
    }
    return true;
}

void inputs_remove(struct inputs *inputs, size_t index)
{
    free(inputs->list[index].path);
    inputs->count--;
    memmove(&inputs->list[index], &inputs->list[index + 1], (inputs->count - index) * sizeof(*inputs->list));
}

static bool stands_before(const struct input *a, const struct input *b)
{
    if (a->has_first != b->has_first)
        return a->has_first;
    return a->has_first && a->order_ns < b->order_ns;
}

/* The merging step of inputs_sort: [first, middle) and [middle, end) are in order. */
static void merge(const struct input *from, struct input *to, size_t first, size_t middle, size_t end)
{
    size_t left = first, right = middle;
    for (size_t i = first; i < end; i++) {
        bool take_right = left == middle || (right < end && stands_before(&from[right], &from[left]));
        to[i] = from[take_right ? right++ : left++];
    }
}

/* Merge sort: qsort does not promise to keep equal ones in order. Without memory the order stays as given. */
void inputs_sort(struct inputs *inputs)
{
    struct input *other = malloc((inputs->count ? inputs->count : 1) * sizeof(*other));
    if (!other)
        return;
    for (size_t width = 1; width < inputs->count; width *= 2) {
        for (size_t first = 0; first < inputs->count; first += 2 * width) {
            size_t middle = first + width < inputs->count ? first + width : inputs->count;
            size_t end = middle + width < inputs->count ? middle + width : inputs->count;
            merge(inputs->list, other, first, middle, end);
        }
        memcpy(inputs->list, other, inputs->count * sizeof(*other));
    }
    free(other);
}

void inputs_free(struct inputs *inputs)
{
    for (size_t i = 0; i < inputs->count; i++)
        free(inputs->list[i].path);
    free(inputs->list);
}
