/*
 * Puts certificates into the signature database of an empty UEFI variable store, the flash image
 * that a virtual machine's firmware keeps its variables in: uefi-db STORE CERTIFICATE.der…
 *
 *     firmware volume header, u16 at 48 its size
 *     store header: 0 GUID | 16 u32 size | 20 format, state, reserved … 28
 *     variables, each at a multiple of 4:
 *         0 u16 0x55aa | 2 state | 3 reserved | 4 u32 attributes | 8 u64 count | 16 time
 *         32 u32 key index | 36 u32 size of name | 40 u32 size of data | 44 GUID | 60 name, data
 *     signature list, one a certificate:
 *         0 GUID of X.509 | 16 u32 size of all | 20 u32 0 | 24 u32 size of a signature | 28 owner
 *         44 DER
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STORE_MAX (1 << 20)
#define VARIABLE_HEADER 60
#define LIST_HEADER 44
#define ATTRIBUTES 0x27 /* non-volatile, boot and run time, written with a time */

static const uint8_t authenticated_store[16] = {0x78, 0x2c, 0xf3, 0xaa, 0x7b, 0x94, 0x9a, 0x43,
                                                0xa1, 0x80, 0x2e, 0x14, 0x4e, 0xc3, 0x77, 0x92};
static const uint8_t image_security[16] = {0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96, 0x45,
                                           0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f};
static const uint8_t x509[16] = {0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a,
                                 0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72};
static const uint8_t name[] = {'d', 0, 'b', 0, 0, 0};

static uint8_t store[STORE_MAX], lists[STORE_MAX / 4];
static size_t lists_size;

static _Noreturn void give_up(const char *path, const char *why) {
    fprintf(stderr, "uefi-db: %s %s\n", path, why);
    exit(1);
}

static void put_u32(uint8_t *at, size_t value) {
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static size_t read_file(const char *path, uint8_t *into, size_t max) {
    FILE *file = fopen(path, "rb");
    size_t size = file ? fread(into, 1, max, file) : 0;
    if (!file || size == 0 || size == max)
        give_up(path, "can't be read");
    fclose(file);
    return size;
}

static void add_certificate(const char *path) {
    uint8_t *list = lists + lists_size;
    if (sizeof lists - lists_size <= LIST_HEADER)
        give_up(path, "has no room");
    size_t size = read_file(path, list + LIST_HEADER, sizeof lists - lists_size - LIST_HEADER);
    memcpy(list, x509, sizeof x509);
    put_u32(list + 16, LIST_HEADER + size);
    put_u32(list + 24, LIST_HEADER - 28 + size);
    lists_size += LIST_HEADER + size;
}

/* The first variable of a store that has none. */
static void write_variable(const char *path, size_t size) {
    size_t header = (size_t)store[48] + store[49] * 256U, at = header + 28;
    if (at + VARIABLE_HEADER + sizeof name + lists_size > size ||
        memcmp(store + header, authenticated_store, 16) != 0 || store[at] != 0xff)
        give_up(path, "is no empty variable store with room for the certificates");
    uint8_t *variable = store + at;
    memset(variable, 0, VARIABLE_HEADER);
    variable[0] = 0xaa;
    variable[1] = 0x55;
    variable[2] = 0x3f; /* added */
    put_u32(variable + 4, ATTRIBUTES);
    put_u32(variable + 36, sizeof name);
    put_u32(variable + 40, lists_size);
    memcpy(variable + 44, image_security, 16);
    memcpy(variable + VARIABLE_HEADER, name, sizeof name);
    memcpy(variable + VARIABLE_HEADER + sizeof name, lists, lists_size);
}

int main(int argc, char **argv) {
    if (argc < 3)
        give_up("it", "needs a store and certificates");
    size_t size = read_file(argv[1], store, sizeof store);
    for (int i = 2; i < argc; i++)
        add_certificate(argv[i]);
    write_variable(argv[1], size);
    FILE *file = fopen(argv[1], "wb");
    if (!file || fwrite(store, 1, size, file) != size || fclose(file))
        give_up(argv[1], "can't be written");
    return 0;
}
