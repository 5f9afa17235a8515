// SPDX-License-Identifier: Apache-2.0
// Private to the client: between protobuf messages and the plain types of types.h.
#pragma once

#include <google/protobuf/any.pb.h>
#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/map.h>
#include <google/protobuf/repeated_field.h>
#include <google/protobuf/timestamp.pb.h>

#include <string>
#include <vector>

#include "client/types.h"
#include "containerd/types/descriptor.pb.h"
#include "containerd/types/mount.pb.h"

namespace vortex::client {

// Go's zero time (year 1) and anything else outside of system_clock's range become Time{}.
Time FromProto(const google::protobuf::Timestamp& timestamp);
google::protobuf::Timestamp ToProto(Time time);

Any FromProto(const google::protobuf::Any& any);
google::protobuf::Any ToProto(const Any& any);

Descriptor FromProto(const containerd::types::Descriptor& descriptor);
containerd::types::Descriptor ToProto(const Descriptor& descriptor);

using ProtoMounts = google::protobuf::RepeatedPtrField<containerd::types::Mount>;
std::vector<Mount> FromProto(const ProtoMounts& mounts);
ProtoMounts ToProto(const std::vector<Mount>& mounts);

using ProtoLabels = google::protobuf::Map<std::string, std::string>;
Labels FromProto(const ProtoLabels& labels);
ProtoLabels ToProto(const Labels& labels);

// Fills a repeated string or a FieldMask's paths.
void Append(const std::vector<std::string>& from,
            google::protobuf::RepeatedPtrField<std::string>* to);

}  // namespace vortex::client
