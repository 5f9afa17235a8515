// SPDX-License-Identifier: Apache-2.0
// The parser behind ParseJson. base::JsonReader keeps no positions, and is lenient by design.
#include <set>

#include "base/status.h"
#include "base/utf8.h"
#include "review/json_tree.h"

namespace vortex::review {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

void AppendUtf8(unsigned code, std::string& out) {
  const auto put = [&](unsigned byte) { out.push_back(static_cast<char>(byte)); };
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

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  absl::StatusOr<Value> Run() {
    Value root;
    VX_RETURN_IF_ERROR(ReadValue(root));
    SkipSpace();
    if (at_ != text_.size()) return Bad("something follows the JSON text");
    return root;
  }

 private:
  absl::Status Bad(std::string_view what) { return BadAt(here_, what); }

  static absl::Status BadAt(Position at, std::string_view what) {
    return InvalidArgument("line {}, column {}: {}", at.line, at.column, what);
  }

  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void Advance() {
    const auto byte = static_cast<unsigned char>(text_[at_++]);
    if (byte == '\n') {
      ++here_.line;
      here_.column = 1;
    } else if ((byte & 0xC0) != 0x80) {
      ++here_.column;
    }
  }

  void SkipSpace() {
    while (Peek() == ' ' || Peek() == '\t' || Peek() == '\n' || Peek() == '\r') Advance();
  }

  absl::Status ReadValue(Value& out) {
    SkipSpace();
    out.at = here_;
    if (++values_ > kMaxValues) return Bad(fmt::format("more than {} values", kMaxValues));
    switch (Peek()) {
      case '{':
        return ReadObject(out);
      case '[':
        return ReadArray(out);
      case '"':
        out.kind = Kind::kString;
        return ReadString(out.text);
      case 't':
        out.boolean = true;
        return ReadWord("true", Kind::kBool, out);
      case 'f':
        return ReadWord("false", Kind::kBool, out);
      case 'n':
        return ReadWord("null", Kind::kNull, out);
      default:
        return ReadNumber(out);
    }
  }

  absl::Status ReadWord(std::string_view word, Kind kind, Value& out) {
    if (text_.substr(at_, word.size()) != word) return Bad("not a JSON value");
    for (std::size_t i = 0; i < word.size(); ++i) Advance();
    out.kind = kind;
    return absl::OkStatus();
  }

  absl::Status ReadDigits() {
    if (!IsDigit(Peek())) return Bad("not a JSON value");
    while (IsDigit(Peek())) Advance();
    return absl::OkStatus();
  }

  absl::Status ReadNumber(Value& out) {
    const std::size_t begin = at_;
    if (Peek() == '-') Advance();
    if (Peek() == '0') {
      Advance();
      if (IsDigit(Peek())) return Bad("a number must not start with 0");
    } else {
      VX_RETURN_IF_ERROR(ReadDigits());
    }
    if (Peek() == '.') {
      Advance();
      VX_RETURN_IF_ERROR(ReadDigits());
    }
    if (Peek() == 'e' || Peek() == 'E') {
      Advance();
      if (Peek() == '+' || Peek() == '-') Advance();
      VX_RETURN_IF_ERROR(ReadDigits());
    }
    out.kind = Kind::kNumber;
    out.text = text_.substr(begin, at_ - begin);
    return absl::OkStatus();
  }

  absl::Status ReadString(std::string& out) {
    Advance();
    while (true) {
      if (at_ >= text_.size()) return Bad("the text ends inside a string");
      const char c = Peek();
      if (static_cast<unsigned char>(c) < 0x20) return Bad("a control character inside a string");
      if (c == '\\') {
        VX_RETURN_IF_ERROR(ReadEscape(out));
        continue;
      }
      Advance();
      if (c == '"') return absl::OkStatus();
      out.push_back(c);
    }
  }

  absl::StatusOr<unsigned> ReadHex4() {
    unsigned value = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = Peek();
      const char lower = static_cast<char>(c | 0x20);
      if (IsDigit(c)) {
        value = value * 16 + static_cast<unsigned>(c - '0');
      } else if (lower >= 'a' && lower <= 'f') {
        value = value * 16 + static_cast<unsigned>(lower - 'a' + 10);
      } else {
        return Bad("\\u needs four hexadecimal digits");
      }
      Advance();
    }
    return value;
  }

  absl::Status ReadEscape(std::string& out) {
    const Position begin = here_;
    Advance();
    const char c = Peek();
    static constexpr std::string_view kFrom = "\"\\/bfnrt", kTo = "\"\\/\b\f\n\r\t";
    if (const auto found = kFrom.find(c); c != '\0' && found != std::string_view::npos) {
      Advance();
      out.push_back(kTo[found]);
      return absl::OkStatus();
    }
    if (c != 'u') return BadAt(begin, "unknown escape in a string");
    Advance();
    VX_ASSIGN_OR_RETURN(unsigned code, ReadHex4());
    if (code >= 0xD800 && code < 0xDC00 && text_.substr(at_, 2) == "\\u") {
      Advance();
      Advance();
      VX_ASSIGN_OR_RETURN(const unsigned low, ReadHex4());
      if (low < 0xDC00 || low >= 0xE000) return BadAt(begin, "half of a surrogate pair");
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    // Runtimes replace it, each in its own way.
    if (code >= 0xD800 && code < 0xE000) return BadAt(begin, "half of a surrogate pair");
    AppendUtf8(code, out);
    return absl::OkStatus();
  }

  absl::Status ReadArray(Value& out) {
    out.kind = Kind::kArray;
    if (++depth_ > kMaxDepth) return Bad(fmt::format("nested deeper than {}", kMaxDepth));
    Advance();
    SkipSpace();
    while (Peek() != ']') {
      VX_RETURN_IF_ERROR(ReadValue(out.items.emplace_back()));
      VX_RETURN_IF_ERROR(ReadComma(']'));
    }
    Advance();
    --depth_;
    return absl::OkStatus();
  }

  absl::Status ReadObject(Value& out) {
    out.kind = Kind::kObject;
    if (++depth_ > kMaxDepth) return Bad(fmt::format("nested deeper than {}", kMaxDepth));
    Advance();
    SkipSpace();
    std::set<std::string> seen;
    while (Peek() != '}') {
      Member& member = out.members.emplace_back();
      member.key_at = here_;
      if (Peek() != '"') return Bad("a key must be a string");
      VX_RETURN_IF_ERROR(ReadString(member.key));
      if (!seen.insert(member.key).second) {
        return BadAt(member.key_at,
                     "the same key is there twice; runtimes disagree on which one counts");
      }
      SkipSpace();
      if (Peek() != ':') return Bad("':' expected after a key");
      Advance();
      VX_RETURN_IF_ERROR(ReadValue(member.value));
      VX_RETURN_IF_ERROR(ReadComma('}'));
    }
    Advance();
    --depth_;
    return absl::OkStatus();
  }

  // Leaves the next character at `end` or at the next element.
  absl::Status ReadComma(char end) {
    SkipSpace();
    if (Peek() == end) return absl::OkStatus();
    if (Peek() != ',') return Bad(fmt::format("',' or '{}' expected", end));
    Advance();
    SkipSpace();
    if (Peek() == end) return Bad(fmt::format("',' before '{}'", end));
    return absl::OkStatus();
  }

  std::string_view text_;
  std::size_t at_ = 0;
  Position here_;
  int depth_ = 0;
  std::size_t values_ = 0;
};

}  // namespace

absl::StatusOr<Value> ParseJson(std::string_view text) {
  if (text.size() > kMaxSpecBytes) {
    return InvalidArgument("{} bytes: more than {}, no spec is that large", text.size(),
                           kMaxSpecBytes);
  }
  if (!base::IsUtf8(text)) return InvalidArgument("not UTF-8");
  return Parser(text).Run();
}

}  // namespace vortex::review
