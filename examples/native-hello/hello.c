// SPDX-License-Identifier: Apache-2.0
// A plugin in C: reads the payload (one JSON text) from stdin and ends stdout with one record, as
// docs/user/plugin-protocol.md says. It answers with the payload's size; a real one would bring a JSON parser.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
  const char *token = getenv("VORTEX_RESULT_TOKEN");
  if (token == NULL) return 1;
  size_t bytes = 0;
  for (int c; (c = getchar()) != EOF;) ++bytes;
  printf("hello from a native plugin\n");
  printf("\x1e{\"vortex\":\"result\",\"token\":\"%s\",\"ok\":true,\"value\":{\"payload_bytes\":%zu}}\n", token, bytes);
  return 0;
}
