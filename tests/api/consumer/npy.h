/* Reads the arrays of the example: .npy of uint8 [N,H,W,C] or of int64 labels. */
#ifndef HALFTONE_TEST_NPY_H
#define HALFTONE_TEST_NPY_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The bytes behind the header; the caller frees `whole`. */
static unsigned char *read_npy(const char *path, unsigned char **whole, size_t *size) {
  FILE *file = fopen(path, "rb");
  if (file == NULL || fseek(file, 0, SEEK_END) != 0) exit(3);
  const long length = ftell(file);
  rewind(file);
  *whole = (unsigned char *)malloc((size_t)length);
  if (*whole == NULL || fread(*whole, 1, (size_t)length, file) != (size_t)length) exit(3);
  fclose(file);
  const size_t header = 10 + (size_t)(*whole)[8] + 256 * (size_t)(*whole)[9];
  *size = (size_t)length - header;
  return *whole + header;
}

#endif
