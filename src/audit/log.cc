// SPDX-License-Identifier: Apache-2.0
#include "audit/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>

#include <mutex>
#include <utility>

#include "base/status.h"

namespace vortex::audit {
namespace {

// What spdlog's sinks are for other logs: takes messages one by one, commits them on flush. A
// message is "<type>\0<fields>"; it is written as it is, without a pattern.
class ChainSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit ChainSink(AuditOptions options) : writer_(std::move(options)) {}

  void set_moment(Log::Moment moment) { moment_ = moment; }
  absl::StatusOr<Position> TakeOutcome() { return std::move(outcome_); }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const std::string_view text(message.payload.data(), message.payload.size());
    const std::size_t split = text.find('\0');
    pending_.push_back({std::chrono::time_point_cast<std::chrono::nanoseconds>(message.time),
                        {std::string(text.substr(0, split)), std::string(text.substr(split + 1))}});
  }

  void flush_() override {
    outcome_ = writer_.Append(std::exchange(pending_, {}), moment_ == Log::kUnderWay);
  }

 private:
  SegmentWriter writer_;
  std::vector<Pending> pending_;
  Log::Moment moment_ = Log::kBeginning;
  absl::StatusOr<Position> outcome_ = Position();
};

}  // namespace

struct Log::Impl {
  explicit Impl(AuditOptions given)
      : options(std::move(given)),
        sink(std::make_shared<ChainSink>(options)),
        logger("vortex.audit", sink) {}

  const AuditOptions options;
  std::mutex mutex;  // the events of one Write stay together
  std::shared_ptr<ChainSink> sink;
  spdlog::logger logger;
};

Log::Log(AuditOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Log::~Log() = default;

const AuditOptions& Log::options() const { return impl_->options; }

absl::StatusOr<Position> Log::Write(const std::vector<Event>& events, Moment moment) {
  const std::lock_guard lock(impl_->mutex);
  impl_->sink->set_moment(moment);
  for (const Event& event : events) {
    std::string message = event.type;
    message.push_back('\0');
    message += event.fields;
    impl_->logger.log(spdlog::level::info, spdlog::string_view_t(message.data(), message.size()));
  }
  impl_->logger.flush();
  absl::StatusOr<Position> outcome = impl_->sink->TakeOutcome();
  if (!outcome.ok()) return Annotate(outcome.status(), "audit log " + impl_->options.directory);
  return outcome;
}

}  // namespace vortex::audit
