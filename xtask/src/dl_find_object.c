/* glibc's _dl_find_object, by which Debian's libgcc finds unwind information and for which it knows
   no substitute: with it that libgcc unwinds in musl programs as well. */
#define _GNU_SOURCE
#include <link.h>
#include <stdint.h>

/* The start of glibc's struct dl_find_object, which is all that libgcc reads. */
struct object {
    unsigned long long flags;
    void *map_start;
    void *map_end;
    void *link_map;
    void *eh_frame_header;
};

struct search {
    uintptr_t address;
    struct object *found;
};

static int look(struct dl_phdr_info *info, size_t size, void *data)
{
    struct search *search = data;
    void *header = 0;
    int inside = 0;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        uintptr_t start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
        uintptr_t end = start + info->dlpi_phdr[i].p_memsz;
        if (info->dlpi_phdr[i].p_type == PT_GNU_EH_FRAME)
            header = (void *)start;
        if (info->dlpi_phdr[i].p_type != PT_LOAD || search->address < start || search->address >= end)
            continue;
        inside = 1;
        search->found->map_start = (void *)start;
        search->found->map_end = (void *)end;
    }
    if (!inside || !header)
        return 0;
    search->found->flags = 0;
    search->found->link_map = 0;
    search->found->eh_frame_header = header;
    return 1;
}

int _dl_find_object(void *address, struct object *result)
{
    struct search search = { (uintptr_t)address, result };
    return dl_iterate_phdr(look, &search) ? 0 : -1;
}
