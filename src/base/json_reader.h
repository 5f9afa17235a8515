// SPDX-License-Identifier: Apache-2.0
// A pull reader for JSON (RFC 8259) that keeps nothing: the caller takes what it knows and skips
// the rest, so that a 100 KB config.json costs no memory beyond its bytes. Free of third-party
// code.
//
//   JsonReader json(text);
//   json.Object([&](std::string_view key) {
//     if (key == "hostname") name = json.String(); else json.Skip();
//   });
//   if (!json.Finish()) …  // malformed: what was read so far must not be used
//
// After the first error every call does nothing and returns empty values. Depth is limited to 64.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace vortex::base {

class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : text_(text) {}

  // Calls `member` with each key; it must consume the value by exactly one call. Values of another
  // type than asked for are skipped: a null where an object might be is not an error.
  void Object(const std::function<void(std::string_view key)>& member);
  void Array(const std::function<void()>& element);
  // Escapes decoded to UTF-8; lone surrogates become U+FFFD.
  std::string String();
  bool Bool();
  // Integers only; a fraction or exponent makes it 0. Clamped to the type's range.
  std::int64_t Int();
  void Skip();

  // The byte range of the next value, which is consumed.
  std::string_view Raw();

  bool failed() const { return failed_; }
  std::size_t offset() const { return at_; }
  // True when everything was consumed and well-formed.
  bool Finish();

 private:
  char Peek();
  bool Consume(char c);
  void Fail() { failed_ = true; }
  void SkipSpace();
  bool ReadString(std::string* out);  // out may be null
  bool ReadEscape(std::string* out);
  unsigned ReadHex4();

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  bool failed_ = false;
};

// `text` as a JSON string with its quotes. Bytes that are not UTF-8 pass unchanged.
std::string JsonQuote(std::string_view text);

}  // namespace vortex::base
