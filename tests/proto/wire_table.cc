// SPDX-License-Identifier: Apache-2.0
#include "proto/wire_table.h"

#include <string_view>

namespace vortex::proto_test {
namespace {

using google::protobuf::DescriptorProto;
using google::protobuf::EnumDescriptorProto;
using google::protobuf::FieldDescriptorProto;
using google::protobuf::FileDescriptorProto;
using google::protobuf::ServiceDescriptorProto;

std::string FieldValue(const FieldDescriptorProto& field) {
  std::string value = FieldDescriptorProto::Label_Name(field.label()) + " " +
                      FieldDescriptorProto::Type_Name(field.type());
  if (field.has_type_name()) value += " " + field.type_name();
  return value;
}

class TableWriter {
 public:
  explicit TableWriter(WireTable* table) : table_(table) {}

  void File(const FileDescriptorProto& file) {
    // The default package has no name: its types are called ".Name" by those who use them.
    const std::string prefix = file.package().empty() ? "" : file.package() + ".";
    for (const auto& message : file.message_type()) Message(prefix, message);
    for (const auto& type : file.enum_type()) Enum(prefix, type);
    for (const auto& service : file.service()) Service(prefix, service);
  }

  const std::string& conflict() const { return conflict_; }

 private:
  void Add(const std::string& key, const std::string& name, const std::string& value) {
    const auto [entry, added] = table_->try_emplace(key, WireFact{name, value});
    if (!added && (entry->second.name != name || entry->second.value != value)) {
      conflict_ = key + " is declared twice: " + entry->second.name + " " + entry->second.value +
                  " and " + name + " " + value;
    }
  }

  void Message(const std::string& prefix, const DescriptorProto& message) {
    const std::string full = prefix + message.name();
    Add(full, message.name(), message.options().map_entry() ? "map entry" : "message");
    for (const auto& field : message.field()) {
      Add(full + "#" + std::to_string(field.number()), field.name(), FieldValue(field));
    }
    for (const auto& nested : message.nested_type()) Message(full + ".", nested);
    for (const auto& nested : message.enum_type()) Enum(full + ".", nested);
  }

  void Enum(const std::string& prefix, const EnumDescriptorProto& type) {
    const std::string full = prefix + type.name();
    Add(full, type.name(), "enum");
    for (const auto& value : type.value()) {
      Add(full + "=" + std::to_string(value.number()), value.name(), "");
    }
  }

  void Service(const std::string& prefix, const ServiceDescriptorProto& service) {
    const std::string full = prefix + service.name();
    Add(full, service.name(), "service");
    for (const auto& method : service.method()) {
      Add(full + "/" + method.name(), method.name(),
          std::string(method.client_streaming() ? "stream " : "") + method.input_type() + " -> " +
              (method.server_streaming() ? "stream " : "") + method.output_type());
    }
  }

  WireTable* table_;
  std::string conflict_;
};

// "name value", without the space when there is no value.
std::string Describe(const WireFact& fact) {
  return fact.value.empty() ? fact.name : fact.name + " " + fact.value;
}

// Where they have the name that we have under another number; empty when nowhere.
std::string ElsewhereIn(const WireTable& theirs, const std::string& key, const std::string& name) {
  const size_t mark = key.find_first_of("#=");
  if (mark == std::string::npos) return "";
  const std::string scope = key.substr(0, mark + 1);
  for (auto it = theirs.lower_bound(scope); it != theirs.end(); ++it) {
    if (it->first.compare(0, scope.size(), scope) != 0) break;
    if (it->second.name == name) return it->first.substr(mark + 1);
  }
  return "";
}

}  // namespace

std::string AddToTable(const google::protobuf::FileDescriptorSet& files, WireTable* table) {
  TableWriter writer(table);
  for (const auto& file : files.file()) {
    if (file.package() == "google.protobuf" || file.package() == "gogoproto") continue;
    writer.File(file);
  }
  return writer.conflict();
}

std::vector<Difference> Compare(const WireTable& ours, const WireTable& theirs) {
  std::vector<Difference> differences;
  for (const auto& [key, our_fact] : ours) {
    const auto their_entry = theirs.find(key);
    if (their_entry == theirs.end()) {
      std::string what = "ours: " + Describe(our_fact) + ", theirs: nothing there";
      const std::string number = ElsewhereIn(theirs, key, our_fact.name);
      if (!number.empty()) what += " (that name has number " + number + ")";
      differences.push_back({key, what});
      continue;
    }
    const WireFact& their_fact = their_entry->second;
    if (our_fact.name != their_fact.name || our_fact.value != their_fact.value) {
      differences.push_back(
          {key, "ours: " + Describe(our_fact) + ", theirs: " + Describe(their_fact)});
    }
  }
  return differences;
}

}  // namespace vortex::proto_test
