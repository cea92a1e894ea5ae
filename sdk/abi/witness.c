/* Prints the layout of the ABI as this compiler sees it, and compares it with the golden table.
 *
 *   witness                 prints the table
 *   witness --check FILE    compares: 0 equal, 1 different, 77 no golden table for this system yet
 *   witness --update FILE   writes the table; do this only with an entry in CHANGES.md
 *
 * Breaches of the layout rules (RULES.md) end all three with 1. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "halftone/embed.h"
#include "halftone/fusion.h"
#include "halftone/halftone.h"

static int problems = 0;
static size_t next_offset = 0; /* where the next field must begin for there to be no hole */
static int field_count = 0;

static void begin_struct(FILE *out, const char *name, size_t size, int flat) {
  fprintf(out, "%s %s %zu\n", flat ? "flat" : "struct", name, size);
  next_offset = 0;
  field_count = 0;
}

static void field(FILE *out, const char *owner, const char *name, size_t offset, size_t size, const char *type,
                  int flat) {
  fprintf(out, "  %zu %zu %s: %s\n", offset, size, name, type);
  if (offset != next_offset) {
    fprintf(stderr, "%s.%s is at %zu and the field before it ends at %zu: a hole, or a field missing in fields.inc\n",
            owner, name, offset, next_offset);
    ++problems;
  }
  if (field_count == 0 && !flat && (strcmp(name, "struct_size") != 0 || strcmp(type, "uint32_t") != 0)) {
    fprintf(stderr, "%s does not begin with uint32_t struct_size\n", owner);
    ++problems;
  }
  next_offset = offset + size;
  ++field_count;
}

static void end_struct(const char *name, size_t size) {
  if (size != next_offset) {
    fprintf(stderr, "%s has %zu bytes and its last field ends at %zu: tail padding\n", name, size, next_offset);
    ++problems;
  }
  if (size % 8 != 0) {
    fprintf(stderr, "%s has %zu bytes, which is no multiple of 8\n", name, size);
    ++problems;
  }
}

static void print_layout(FILE *out) {
  int flat = 0;
#define STRUCT(name) begin_struct(out, #name, sizeof(name), flat = 0);
#define FLAT(name) begin_struct(out, #name, sizeof(name), flat = 1);
#define FIELD(name, member, ...) \
  field(out, #name, #member, offsetof(name, member), sizeof(((name *)0)->member), #__VA_ARGS__, flat);
#define END(name) end_struct(#name, sizeof(name));
#define TYPE(name, ...) fprintf(out, "type %s %zu: %s\n", #name, sizeof(name), #__VA_ARGS__);
#define FUNCTION(name, ...) fprintf(out, "symbol %s: %s\n", #name, #__VA_ARGS__);
#define NUMBER(name) fprintf(out, "number %s %llu\n", #name, (unsigned long long)(name));
#define TEXT(name) fprintf(out, "text %s %s\n", #name, name);
#include "fields.inc"
}

static char *read_all(FILE *in, size_t *size) {
  size_t capacity = 1u << 16;
  char *text = malloc(capacity);
  *size = 0;
  while (text != NULL) {
    *size += fread(text + *size, 1, capacity - 1 - *size, in);
    if (*size < capacity - 1) break;
    capacity *= 2;
    char *larger = realloc(text, capacity);
    if (larger == NULL) free(text);
    text = larger;
  }
  if (text != NULL) text[*size] = '\0';
  return text;
}

/* Names the first line that differs. */
static int compare(const char *golden, const char *now) {
  int line = 1;
  while (*golden != '\0' || *now != '\0') {
    const size_t a = strcspn(golden, "\n"), b = strcspn(now, "\n");
    if (a != b || memcmp(golden, now, a) != 0) {
      fprintf(stderr, "line %d of the golden table differs\n  golden: %.*s\n  now:    %.*s\n", line, (int)a, golden,
              (int)b, now);
      fprintf(stderr, "If the change is meant: add it to sdk/abi/CHANGES.md, then run witness --update.\n");
      return 1;
    }
    golden += a + (golden[a] == '\n');
    now += b + (now[b] == '\n');
    ++line;
  }
  return 0;
}

static int check(const char *path) {
  FILE *golden_file = fopen(path, "rb"), *now_file = tmpfile();
  size_t golden_size = 0, now_size = 0;
  if (golden_file == NULL) return 77;
  if (now_file == NULL) return 2;
  print_layout(now_file);
  rewind(now_file);
  char *golden = read_all(golden_file, &golden_size), *now = read_all(now_file, &now_size);
  fclose(golden_file);
  fclose(now_file);
  const int different = golden == NULL || now == NULL || compare(golden, now);
  free(golden);
  free(now);
  return different || problems > 0;
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "--check") == 0) return check(argv[2]);
  FILE *out = stdout;
  if (argc == 3 && strcmp(argv[1], "--update") == 0) {
    out = fopen(argv[2], "wb");
    if (out == NULL) return 2;
  } else if (argc != 1) {
    fprintf(stderr, "usage: witness [--check FILE | --update FILE]\n");
    return 2;
  }
  print_layout(out);
  if (fflush(out) != 0 || ferror(out)) return 2;
  if (out != stdout && fclose(out) != 0) return 2;
  return problems > 0;
}
