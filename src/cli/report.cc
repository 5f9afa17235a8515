// SPDX-License-Identifier: Apache-2.0
#include "cli/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/utf8.h"

namespace vortex::cli {
namespace {

using sandbox::SandboxResult;

constexpr std::size_t kShown = 160;

}  // namespace

std::string Printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t hidden = base::ControlLength(text);
    out += hidden > 0 ? ' ' : text[0];
    text.remove_prefix(std::max<std::size_t>(hidden, 1));
  }
  return out;
}

std::string Line(std::string_view text) {
  std::string out = Printable(text.substr(0, kShown));
  if (text.size() > kShown) out += fmt::format("… ({} bytes)", text.size());
  return out;
}

namespace {

std::string Value(const std::optional<std::int64_t>& value) {
  return value ? std::to_string(*value) : "-";
}

double Millis(std::chrono::microseconds value) { return static_cast<double>(value.count()) / 1000; }

void AddLimits(std::string& out, const SandboxResult& result) {
  fmt::format_to(std::back_inserter(out), "  limits    {:<14}{:>12}{:>12}{:>12}{:>12}\n", "",
                 "requested", "effective", "in force", "used");
  for (const sandbox::LimitReport& limit : result.limits) {
    fmt::format_to(std::back_inserter(out), "            {:<14}{:>12}{:>12}{:>12}{:>12}\n",
                   limit.name, Value(limit.requested), limit.effective, Value(limit.readback),
                   Value(limit.used));
  }
}

void AddStream(std::string& out, const char* name, const sandbox::StreamResult& stream) {
  if (stream.bytes_total == 0) return;
  fmt::format_to(std::back_inserter(out), "  {:<10}{} bytes{}{}: {}\n", name, stream.bytes_total,
                 stream.truncated ? fmt::format(", first {} kept", stream.kept.size()) : "",
                 stream.complete ? "" : ", end not seen", Line(stream.kept));
}

}  // namespace

std::string Report(const sandbox::RunRequest& request, const SandboxResult& result,
                   const std::string& spec_path) {
  const sandbox::Termination& end = result.termination;
  std::string out;
  const auto add = [&]<typename... A>(fmt::format_string<A...> format, A&&... args) {
    fmt::format_to(std::back_inserter(out), format, std::forward<A>(args)...);
  };
  add("{} {} ({}, run {})\n", result.plugin_id, result.plugin_version, result.runtime_class,
      result.run_id);
  add("  asked     {}\n", Line(request.payload));
  add("  result    {}\n", result.output.empty() ? "-" : Line(result.output));
  add("  cause     {}{}{}\n", sandbox::CauseName(end.cause), end.message.empty() ? "" : ": ",
      Line(end.message));
  for (const sandbox::Evidence& evidence : end.evidence) {
    add("            evidence: {} ({})\n", Line(evidence.fact), evidence.witness);
  }
  AddStream(out, "stdout", result.stdout_stream);
  AddStream(out, "stderr", result.stderr_stream);
  AddLimits(out, result);
  if (result.denials.empty()) add("  denials   none seen\n");
  for (const sandbox::Denial& denial : result.denials) {
    add("  denial    {} {} {} by {} ({}, {}x)\n", denial.control, denial.action,
        Line(denial.target), denial.rule, denial.witness, denial.count);
  }
  if (result.denial_error) add("  because   {}\n", Line(result.denial_error->message));
  for (const sandbox::ObserverState& state : result.observation.observers) {
    if (!state.complete)
      add("  unwatched {}: {}\n", state.name,
          state.active ? fmt::format("{} attempts were not looked at", state.dropped) : state.why);
  }
  add("  time      {:.1f} ms:", Millis(result.total));
  for (const sandbox::Phase& phase : result.timings)
    add(" {} {:.1f}", phase.name, Millis(phase.duration));
  add("\n");
  if (!spec_path.empty()) add("  spec      {} ({})\n", spec_path, result.spec_digest);
  for (const std::string& leftover : result.leftovers) add("  left      {}\n", Line(leftover));
  return out;
}

}  // namespace vortex::cli
