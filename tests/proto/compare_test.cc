// SPDX-License-Identifier: Apache-2.0
// The comparison notices every kind of mistake. Works on our own descriptors, so it needs no
// package.
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "proto/packaged_protos.h"

namespace vortex::proto_test {
namespace {

using google::protobuf::DescriptorProto;
using google::protobuf::FieldDescriptorProto;
using google::protobuf::FileDescriptorProto;
using google::protobuf::FileDescriptorSet;

// Keeps what protoc made of one of our files.
FileDescriptorProto OurFile(const std::string& name) {
  for (const FileDescriptorProto& file : LoadOurs().files) {
    if (file.name() == name) return file;
  }
  ADD_FAILURE() << "no " << name << " " << LoadOurs().error;
  return {};
}

std::vector<Difference> DifferencesOf(const FileDescriptorProto& mutated) {
  FileDescriptorSet set;
  *set.add_file() = mutated;
  WireTable table;
  EXPECT_EQ(AddToTable(set, &table), "");
  return Compare(table, LoadOurs().table);
}

void ExpectOne(const FileDescriptorProto& mutated, const std::string& key,
               const std::string& what) {
  const auto differences = DifferencesOf(mutated);
  ASSERT_EQ(differences.size(), 1u) << key;
  EXPECT_EQ(differences[0].key, key);
  EXPECT_EQ(differences[0].what, what);
}

constexpr char kMount[] = "containerd/types/mount.proto";

TEST(CompareTest, TheSameIsNoDifference) {
  for (const FileDescriptorProto& file : LoadOurs().files) {
    EXPECT_TRUE(DifferencesOf(file).empty()) << file.name();
  }
}

TEST(CompareTest, NoticesTheNumberOfAField) {
  FileDescriptorProto file = OurFile(kMount);
  ASSERT_EQ(file.message_type(0).field(3).name(), "options");
  file.mutable_message_type(0)->mutable_field(3)->set_number(5);
  ExpectOne(file, "containerd.types.Mount#5",
            "ours: options LABEL_REPEATED TYPE_STRING, theirs: nothing there (that name has "
            "number 4)");
}

TEST(CompareTest, NoticesTwoFieldsSwapped) {
  FileDescriptorProto file = OurFile(kMount);
  file.mutable_message_type(0)->mutable_field(0)->set_number(2);
  file.mutable_message_type(0)->mutable_field(1)->set_number(1);
  EXPECT_EQ(DifferencesOf(file).size(), 2u);
}

TEST(CompareTest, NoticesTypeLabelAndName) {
  FileDescriptorProto file = OurFile(kMount);
  file.mutable_message_type(0)->mutable_field(0)->set_type(FieldDescriptorProto::TYPE_BYTES);
  ExpectOne(file, "containerd.types.Mount#1",
            "ours: type LABEL_OPTIONAL TYPE_BYTES, theirs: type LABEL_OPTIONAL TYPE_STRING");

  file = OurFile(kMount);
  file.mutable_message_type(0)->mutable_field(3)->set_label(FieldDescriptorProto::LABEL_OPTIONAL);
  EXPECT_EQ(DifferencesOf(file).size(), 1u);

  file = OurFile(kMount);
  file.mutable_message_type(0)->mutable_field(3)->set_name("flags");
  EXPECT_EQ(DifferencesOf(file).size(), 1u);
}

TEST(CompareTest, NoticesTheTypeOfAMessageField) {
  FileDescriptorProto file = OurFile("containerd/types/metrics.proto");
  ASSERT_EQ(file.message_type(0).field(2).type_name(), ".google.protobuf.Any");
  file.mutable_message_type(0)->mutable_field(2)->set_type_name(".google.protobuf.Empty");
  EXPECT_EQ(DifferencesOf(file).size(), 1u);
}

TEST(CompareTest, NoticesTheTypeOfAMapValue) {
  FileDescriptorProto file = OurFile("containerd/types/descriptor.proto");
  DescriptorProto* entry = file.mutable_message_type(0)->mutable_nested_type(0);
  ASSERT_TRUE(entry->options().map_entry());
  entry->mutable_field(1)->set_type(FieldDescriptorProto::TYPE_BYTES);
  EXPECT_EQ(DifferencesOf(file).size(), 1u);
}

TEST(CompareTest, NoticesEnumValues) {
  FileDescriptorProto file = OurFile("containerd/types/task/task.proto");
  ASSERT_EQ(file.enum_type(0).value(3).name(), "STOPPED");
  file.mutable_enum_type(0)->mutable_value(3)->set_number(7);
  ExpectOne(file, "containerd.v1.types.Status=7",
            "ours: STOPPED, theirs: nothing there (that name has number 3)");
}

TEST(CompareTest, NoticesMethodsAndStreams) {
  const std::string name = "containerd/services/content/v1/content.proto";
  FileDescriptorProto file = OurFile(name);
  auto* method = file.mutable_service(0)->mutable_method(0);
  method->set_server_streaming(!method->server_streaming());
  EXPECT_EQ(DifferencesOf(file).size(), 1u);

  file = OurFile(name);
  method = file.mutable_service(0)->mutable_method(0);
  method->set_client_streaming(!method->client_streaming());
  EXPECT_EQ(DifferencesOf(file).size(), 1u);

  file = OurFile(name);
  file.mutable_service(0)->mutable_method(0)->set_output_type(".google.protobuf.Any");
  EXPECT_EQ(DifferencesOf(file).size(), 1u);

  file = OurFile(name);
  file.mutable_service(0)->mutable_method(0)->set_name("Information");
  EXPECT_EQ(DifferencesOf(file).size(), 1u);
}

TEST(CompareTest, NoticesThePackage) {
  FileDescriptorProto file = OurFile(kMount);
  file.set_package("containerd.type");
  EXPECT_EQ(DifferencesOf(file).size(), 5u);  // the message and its four fields
}

// Calls `mutate` with every message of `file`, nested ones too.
void ForEachMessage(DescriptorProto* message, const std::function<void(DescriptorProto*)>& mutate) {
  mutate(message);
  for (DescriptorProto& nested : *message->mutable_nested_type()) ForEachMessage(&nested, mutate);
}

TEST(CompareTest, NoticesAWrongNumberOfAnyField) {
  int fields = 0;
  for (FileDescriptorProto file : LoadOurs().files) {
    for (DescriptorProto& top : *file.mutable_message_type()) {
      ForEachMessage(&top, [&](DescriptorProto* message) {
        for (FieldDescriptorProto& field : *message->mutable_field()) {
          const int32_t number = field.number();
          field.set_number(number + 1000);
          EXPECT_EQ(DifferencesOf(file).size(), 1u) << message->name() << "." << field.name();
          field.set_number(number);
          ++fields;
        }
      });
    }
  }
  EXPECT_GT(fields, 500);
}

TEST(CompareTest, NoticesAMessageDeclaredInTwoForms) {
  FileDescriptorSet set;
  *set.add_file() = OurFile(kMount);
  *set.add_file() = OurFile(kMount);
  WireTable table;
  EXPECT_EQ(AddToTable(set, &table), "");
  set.mutable_file(1)->mutable_message_type(0)->mutable_field(0)->set_name("kind");
  WireTable again;
  EXPECT_NE(AddToTable(set, &again), "");
}

}  // namespace
}  // namespace vortex::proto_test
