// SPDX-License-Identifier: Apache-2.0
#include "client/convert.h"

#include <limits>

namespace vortex::client {

Time FromProto(const google::protobuf::Timestamp& timestamp) {
  using std::chrono::nanoseconds;
  constexpr std::int64_t kMaxSeconds = std::numeric_limits<std::int64_t>::max() / 1'000'000'000 - 1;
  if (timestamp.seconds() > kMaxSeconds || timestamp.seconds() < -kMaxSeconds) return Time{};
  return Time(std::chrono::duration_cast<Time::duration>(std::chrono::seconds(timestamp.seconds()) +
                                                         nanoseconds(timestamp.nanos())));
}

google::protobuf::Timestamp ToProto(Time time) {
  // protobuf wants nanos in [0, 1e9) also before 1970, hence floor.
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch());
  const auto rest = std::chrono::nanoseconds(time.time_since_epoch() - seconds);
  google::protobuf::Timestamp out;
  out.set_seconds(seconds.count());
  out.set_nanos(static_cast<std::int32_t>(rest.count()));
  return out;
}

Any FromProto(const google::protobuf::Any& any) { return {any.type_url(), any.value()}; }

google::protobuf::Any ToProto(const Any& any) {
  google::protobuf::Any out;
  out.set_type_url(any.type_url);
  out.set_value(any.value);
  return out;
}

Descriptor FromProto(const containerd::types::Descriptor& descriptor) {
  return {.media_type = descriptor.media_type(),
          .digest = descriptor.digest(),
          .size = descriptor.size(),
          .annotations = FromProto(descriptor.annotations())};
}

containerd::types::Descriptor ToProto(const Descriptor& descriptor) {
  containerd::types::Descriptor out;
  out.set_media_type(descriptor.media_type);
  out.set_digest(descriptor.digest);
  out.set_size(descriptor.size);
  *out.mutable_annotations() = ToProto(descriptor.annotations);
  return out;
}

std::vector<Mount> FromProto(const ProtoMounts& mounts) {
  std::vector<Mount> out;
  out.reserve(static_cast<std::size_t>(mounts.size()));
  for (const auto& mount : mounts)
    out.push_back({.type = mount.type(),
                   .source = mount.source(),
                   .target = mount.target(),
                   .options = {mount.options().begin(), mount.options().end()}});
  return out;
}

ProtoMounts ToProto(const std::vector<Mount>& mounts) {
  ProtoMounts out;
  for (const Mount& mount : mounts) {
    auto* one = out.Add();
    one->set_type(mount.type);
    one->set_source(mount.source);
    one->set_target(mount.target);
    Append(mount.options, one->mutable_options());
  }
  return out;
}

Labels FromProto(const ProtoLabels& labels) { return {labels.begin(), labels.end()}; }

ProtoLabels ToProto(const Labels& labels) { return {labels.begin(), labels.end()}; }

void Append(const std::vector<std::string>& from,
            google::protobuf::RepeatedPtrField<std::string>* to) {
  for (const std::string& text : from) to->Add(std::string(text));
}

}  // namespace vortex::client
