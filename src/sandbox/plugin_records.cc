// SPDX-License-Identifier: Apache-2.0
#include "sandbox/plugin_records.h"

#include <nlohmann/json.hpp>

#include "base/status.h"

namespace vortex::sandbox {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMessageLimit = 16 * 1024;
// Four messages of an error, each character escaped, and its frame.
constexpr std::size_t kMaxErrorRecord = 1 << 20;
constexpr std::size_t kMaxInitRecord = 4 * 1024;

// Never throws: a record that is not JSON is a discarded value. For small records only: the tree of
// 16 MiB of brackets takes more than a gigabyte.
Json Parse(const std::string& record) { return Json::parse(record, nullptr, false); }

// Reads a record of any size without keeping it, and stops at what a caller should not be given.
class ResultScan : public Json::json_sax_t {
 public:
  absl::Status Scan(const std::string& record) {
    if (!Json::sax_parse(record, this) && problem_.ok())
      problem_ = InvalidArgument("result record: not a JSON object");
    return problem_;
  }
  // The member "ok" of the record itself, when it is a boolean.
  std::optional<bool> ok() const { return ok_; }

  bool null() override { return Value(); }
  bool boolean(bool value) override {
    if (depth_ == 1 && key_ == "ok") ok_ = value;
    return Value();
  }
  bool number_integer(number_integer_t) override { return Value(); }
  bool number_unsigned(number_unsigned_t) override { return Value(); }
  bool number_float(number_float_t, const string_t&) override { return Value(); }
  bool string(string_t&) override { return Value(); }
  bool binary(binary_t&) override { return Value(); }
  bool start_object(std::size_t) override { return Enter(); }
  bool start_array(std::size_t) override {
    if (depth_ == 0) return Refuse("not a JSON object");
    return Enter();
  }
  bool end_object() override { return Leave(); }
  bool end_array() override { return Leave(); }
  bool key(string_t& name) override {
    if (depth_ == 1) key_ = name;
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const Json::exception&) override {
    return false;
  }

 private:
  bool Refuse(std::string_view what) {
    problem_ = InvalidArgument("result record: {}", what);
    return false;
  }
  bool Value() {
    if (++values_ <= kMaxResultValues) return true;
    return Refuse(fmt::format("more than {} values in it", kMaxResultValues));
  }
  bool Enter() {
    // The record's own object does not count.
    if (++depth_ > kMaxResultDepth + 1)
      return Refuse(fmt::format("nested deeper than {}", kMaxResultDepth));
    return Value();
  }
  bool Leave() {
    --depth_;
    return true;
  }

  absl::Status problem_;
  std::string key_;
  std::optional<bool> ok_;
  std::size_t values_ = 0;
  int depth_ = 0;
};

std::optional<int> Integer(const Json& object, const char* key, int low, int high) {
  const auto it = object.find(key);
  if (it == object.end() || !it->is_number_integer()) return std::nullopt;
  const auto value = it->get<std::int64_t>();
  if (value < low || value > high) return std::nullopt;
  return static_cast<int>(value);
}

std::string String(const Json& object, const char* key) {
  const auto it = object.find(key);
  if (it == object.end() || !it->is_string()) return {};
  return it->get<std::string>().substr(0, kMessageLimit);
}

// The text of the member "value", which the writer puts last: taken as it stands, so that numbers
// keep every digit. The record is known to be an object with that member.
absl::StatusOr<std::string> ValueText(const std::string& record) {
  constexpr std::string_view kStart = "\"ok\":true,\"value\":";
  const std::size_t start = record.find(kStart);
  if (start == std::string::npos) {
    return InvalidArgument("result record: \"value\" does not follow \"ok\":true");
  }
  std::string value = record.substr(start + kStart.size());
  while (!value.empty() && value.back() != '}') value.pop_back();
  if (!value.empty()) value.pop_back();
  if (!Json::accept(value))
    return InvalidArgument("result record: \"value\" is not the last member");
  return value;
}

}  // namespace

absl::StatusOr<InitRecord> ParseInitRecord(const std::string& record) {
  if (record.size() > kMaxInitRecord)
    return InvalidArgument("init record: larger than {} bytes", kMaxInitRecord);
  const Json json = Parse(record);
  if (!json.is_object()) return InvalidArgument("init record: not a JSON object");
  InitRecord out;
  out.code = Integer(json, "code", 0, 255);
  out.signal = Integer(json, "signal", 1, 64);
  out.exec_errno = Integer(json, "exec_errno", 1, 4095);
  out.seccomp = Integer(json, "seccomp", 0, 2);
  out.no_new_privs = Integer(json, "no_new_privs", 0, 1);
  out.cap_eff = String(json, "cap_eff").substr(0, 16);
  if (out.code.has_value() + out.signal.has_value() + out.exec_errno.has_value() != 1) {
    return InvalidArgument("init record: needs exactly one of code, signal and exec_errno");
  }
  return out;
}

absl::StatusOr<ResultRecord> ParseResultRecord(const std::string& record) {
  ResultScan scan;
  VX_RETURN_IF_ERROR(scan.Scan(record));
  if (!scan.ok()) return InvalidArgument("result record: \"ok\" must be true or false");
  ResultRecord out;
  out.ok = *scan.ok();
  if (out.ok) {
    VX_ASSIGN_OR_RETURN(out.value, ValueText(record));
    return out;
  }
  if (record.size() > kMaxErrorRecord)
    return InvalidArgument("result record: an error larger than {} bytes", kMaxErrorRecord);
  const Json json = Parse(record);
  const auto error = json.find("error");
  if (error == json.end() || !error->is_object()) {
    return InvalidArgument("result record: \"error\" must be an object when \"ok\" is false");
  }
  out.failure.kind = String(*error, "kind");
  out.failure.type = String(*error, "type");
  out.failure.message = String(*error, "message");
  out.failure.traceback = String(*error, "traceback");
  out.failure.filename = String(*error, "filename");
  out.failure.errno_value = Integer(*error, "errno", 1, 4095);
  return out;
}

}  // namespace vortex::sandbox
