/* A shared library like any other, without the one symbol. */
int answer(void);
int answer(void) {
  return 42;
}
