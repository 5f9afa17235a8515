// SPDX-License-Identifier: Apache-2.0
// Text from outside, before it is stored, printed to a terminal or handed to a program.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace vortex::policy {

struct BadCharacter {
  std::size_t offset = 0;  // in bytes
  std::string what;        // "the control character U+001B", "the byte 0xff, which is not UTF-8"
};

// The first character that is not plain text: a byte that is not UTF-8, a control character (C0,
// DEL, C1), a line or paragraph separator, or one that turns the writing direction, so that a
// reviewer would see another text than the program does. `allowed` lists control characters that
// are fine here, "\n\t" for example.
//   Source  Unicode 15, sections 23.1 and 23.2; UAX 9 for the directional formatting characters.
std::optional<BadCharacter> FindBadCharacter(std::string_view text, std::string_view allowed = "");

// The text in double quotes for a message: bad characters as \xNN, longer texts cut at 64 bytes.
std::string Quoted(std::string_view text);

}  // namespace vortex::policy
