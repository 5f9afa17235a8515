// SPDX-License-Identifier: Apache-2.0
#include "base/json_reader.h"

#include <limits>

namespace vortex::base {
namespace {

constexpr int kMaxDepth = 64;

void AppendUtf8(std::string* out, unsigned code) {
  const auto put = [out](unsigned byte) { out->push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | (code >> 6));
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

void JsonReader::SkipSpace() {
  while (at_ < text_.size() &&
         (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) {
    ++at_;
  }
}

char JsonReader::Peek() {
  if (failed_) return '\0';
  SkipSpace();
  return at_ < text_.size() ? text_[at_] : '\0';
}

bool JsonReader::Consume(char c) {
  if (Peek() != c || c == '\0') return false;
  ++at_;
  return true;
}

void JsonReader::Object(const std::function<void(std::string_view)>& member) {
  if (Peek() != '{') return Skip();
  if (++depth_ > kMaxDepth) return Fail();
  ++at_;
  if (!Consume('}')) {
    do {
      std::string key;
      SkipSpace();
      if (!ReadString(&key) || !Consume(':')) return Fail();
      const std::size_t before = at_;
      member(key);
      if (failed_) return;
      if (at_ == before) return Fail();  // the caller forgot the value
    } while (Consume(','));
    if (!Consume('}')) return Fail();
  }
  --depth_;
}

void JsonReader::Array(const std::function<void()>& element) {
  if (Peek() != '[') return Skip();
  if (++depth_ > kMaxDepth) return Fail();
  ++at_;
  if (!Consume(']')) {
    do {
      const std::size_t before = at_;
      element();
      if (failed_) return;
      if (at_ == before) return Fail();
    } while (Consume(','));
    if (!Consume(']')) return Fail();
  }
  --depth_;
}

std::string JsonReader::String() {
  std::string out;
  if (Peek() != '"') {
    Skip();
    return out;
  }
  if (!ReadString(&out)) {
    Fail();
    out.clear();
  }
  return out;
}

bool JsonReader::ReadString(std::string* out) {
  if (at_ >= text_.size() || text_[at_] != '"') return false;
  ++at_;
  while (at_ < text_.size()) {
    const char c = text_[at_++];
    if (c == '"') return true;
    if (static_cast<unsigned char>(c) < 0x20) return false;
    if (c == '\\') {
      if (!ReadEscape(out)) return false;
    } else if (out != nullptr) {
      out->push_back(c);
    }
  }
  return false;
}

unsigned JsonReader::ReadHex4() {
  if (text_.size() - at_ < 4) {
    Fail();
    return 0;
  }
  unsigned value = 0;
  for (int i = 0; i < 4; ++i) {
    const char c = text_[at_++];
    unsigned digit = 0;
    if (IsDigit(c)) {
      digit = static_cast<unsigned>(c - '0');
    } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
      digit = static_cast<unsigned>((c | 0x20) - 'a' + 10);
    } else {
      Fail();
      return 0;
    }
    value = value * 16 + digit;
  }
  return value;
}

bool JsonReader::ReadEscape(std::string* out) {
  if (at_ >= text_.size()) return false;
  const char c = text_[at_++];
  unsigned code = 0;
  switch (c) {
    case '"':
    case '\\':
    case '/':
      code = static_cast<unsigned char>(c);
      break;
    case 'b':
      code = '\b';
      break;
    case 'f':
      code = '\f';
      break;
    case 'n':
      code = '\n';
      break;
    case 'r':
      code = '\r';
      break;
    case 't':
      code = '\t';
      break;
    case 'u': {
      code = ReadHex4();
      if (failed_) return false;
      if (code >= 0xD800 && code < 0xDC00 && text_.substr(at_, 2) == "\\u") {
        const std::size_t before = at_;
        at_ += 2;
        const unsigned low = ReadHex4();
        if (failed_) return false;
        if (low >= 0xDC00 && low < 0xE000) {
          code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        } else {
          at_ = before;
        }
      }
      if (code >= 0xD800 && code < 0xE000) code = 0xFFFD;
      break;
    }
    default:
      return false;
  }
  if (out != nullptr) AppendUtf8(out, code);
  return true;
}

bool JsonReader::Bool() {
  const bool value = Peek() == 't';
  Skip();
  return value && !failed_;
}

std::int64_t JsonReader::Int() {
  const char first = Peek();
  if (first != '-' && !IsDigit(first)) {
    Skip();
    return 0;
  }
  std::string_view raw = Raw();
  const bool negative = raw.starts_with('-');
  if (negative) raw.remove_prefix(1);
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  std::int64_t value = 0;
  for (const char c : raw) {
    if (!IsDigit(c)) return 0;
    const std::int64_t digit = c - '0';
    if (value > (kMax - digit) / 10)
      return negative ? std::numeric_limits<std::int64_t>::min() : kMax;
    value = value * 10 + digit;
  }
  return negative ? -value : value;
}

std::string_view JsonReader::Raw() {
  Peek();
  const std::size_t begin = at_;
  Skip();
  return failed_ ? std::string_view() : text_.substr(begin, at_ - begin);
}

void JsonReader::Skip() {
  const char c = Peek();
  if (failed_) return;
  if (c == '{') return Object([this](std::string_view) { Skip(); });
  if (c == '[') return Array([this] { Skip(); });
  if (c == '"') {
    if (!ReadString(nullptr)) Fail();
    return;
  }
  for (const std::string_view word : {"true", "false", "null"}) {
    if (text_.substr(at_, word.size()) == word) {
      at_ += word.size();
      return;
    }
  }
  if (c != '-' && !IsDigit(c)) return Fail();
  const std::size_t digits_from = at_ + (c == '-' ? 1 : 0);
  ++at_;
  while (at_ < text_.size()) {
    const char d = text_[at_];
    if (!IsDigit(d) && d != '.' && d != 'e' && d != 'E' && d != '+' && d != '-') break;
    ++at_;
  }
  if (digits_from >= text_.size() || !IsDigit(text_[digits_from])) Fail();
}

bool JsonReader::Finish() {
  if (failed_) return false;
  SkipSpace();
  return at_ == text_.size();
}

std::string JsonQuote(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
  return out;
}

}  // namespace vortex::base
