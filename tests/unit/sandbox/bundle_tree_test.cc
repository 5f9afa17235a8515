// SPDX-License-Identifier: Apache-2.0
#include "sandbox/bundle_tree.h"

#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include <atomic>
#include <fstream>
#include <iterator>
#include <thread>

#include "base/sha256.h"
#include "support/status_matchers.h"
#include "unit/sandbox/bundle_fixture.h"

namespace vortex::sandbox {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using vortex::testing::IsOk;
using vortex::testing::StatusIs;
constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

std::string Content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

mode_t ModeOf(const std::string& path) {
  struct stat st {};
  EXPECT_EQ(::lstat(path.c_str(), &st), 0) << path;
  return st.st_mode & 07777;
}

class BundleTreeTest : public testing::BundleFixture {
 protected:
  // One of everything.
  void WriteTree() {
    Write("a.txt", "alpha\n");
    Write("a/b", "beta", 0750);
    Write("ü.bin", std::string("\0\xff", 2));
    Write("empty", "");
    std::filesystem::create_directory(In("hollow"));
    Link("a/link", "../a.txt");
  }
  std::string DigestOf(const std::string& path) const {
    const auto tree = Hash(path);
    return tree.ok() ? tree->digest : tree.status().ToString();
  }
  std::string Digest() const { return DigestOf(source()); }
};

// Computed by the reference of docs/user/bundle-digest.md and never to change for format 1.
TEST_F(BundleTreeTest, KnownAnswers) {
  EXPECT_EQ(Digest(), base::Sha256::Digest("vortex bundle tree 1\n"));
  WriteTree();
  EXPECT_EQ(Digest(), "sha256:501bf092e3677c79d4edf0de5bbea72bf02bb50cb6b31e184acd25cb0388deda");
  // The same, written out.
  const auto text = [](std::string_view t) { return base::Sha256::Digest(t); };
  using namespace std::string_literals;
  EXPECT_EQ(Digest(), text("vortex bundle tree 1\n"
                           "d - a\0\0"
                           "f x a/b\0"s +
                           text("beta") +
                           "\0"
                           "l - a/link\0../a.txt\0"
                           "f - a.txt\0"s +
                           text("alpha\n") +
                           "\0"
                           "f - empty\0"s +
                           text("") +
                           "\0"
                           "d - hollow\0\0"
                           "f - ü.bin\0"s +
                           text("\0\xff"s) + "\0"s));
}

// The program in the document is the second implementation; both must agree on the same tree.
TEST_F(BundleTreeTest, TheDocumentsReferenceAgrees) {
  const char* root = std::getenv("VORTEX_SOURCE_DIR");
  ASSERT_NE(root, nullptr) << "run by ctest, or set VORTEX_SOURCE_DIR";
  const std::string page = Content(std::string(root) + "/docs/user/bundle-digest.md");
  const std::string fence = "```python\n";
  const std::size_t start = page.find(fence);
  ASSERT_NE(start, std::string::npos);
  const std::string program = page.substr(
      start + fence.size(), page.find("```", start + fence.size()) - start - fence.size());
  const std::string script = dir() + "/reference.py";
  std::ofstream(script) << program;
  WriteTree();
  const std::string output = dir() + "/output";
  ASSERT_EQ(std::system(("/usr/bin/python3 " + script + " " + source() + " > " + output).c_str()),
            0);
  EXPECT_EQ(Content(output), Digest() + "\n");
}

TEST_F(BundleTreeTest, CountsFilesAndBytes) {
  WriteTree();
  VX_ASSERT_OK_AND_ASSIGN(const CopiedTree tree, Hash());
  EXPECT_EQ(tree.files, 4u);
  EXPECT_EQ(tree.bytes, 6u + 4 + 2);
}

TEST_F(BundleTreeTest, TheDigestDependsOnNamesContentsTypesAndTheExecutableBit) {
  WriteTree();
  const std::string before = Digest();
  const auto differs = [&](const char* what) {
    const std::string now = Digest();
    EXPECT_NE(now, before) << what;
    EXPECT_TRUE(base::IsSha256Digest(now)) << now;
  };
  Write("a.txt", "alphA\n");
  differs("content");
  Write("a.txt", "alpha\n");
  ASSERT_EQ(Digest(), before);
  ASSERT_EQ(::chmod(In("a.txt").c_str(), 0744), 0);
  differs("executable bit");
  ASSERT_EQ(::chmod(In("a.txt").c_str(), 0644), 0);
  ASSERT_EQ(::rename(In("a.txt").c_str(), In("c.txt").c_str()), 0);
  differs("name");
  ASSERT_EQ(::rename(In("c.txt").c_str(), In("a.txt").c_str()), 0);
  ASSERT_EQ(::rmdir(In("hollow").c_str()), 0);
  differs("an empty directory");
  Write("hollow", "");
  differs("a file instead of a directory");
  ASSERT_EQ(::unlink(In("hollow").c_str()), 0);
  ASSERT_EQ(::mkdir(In("hollow").c_str(), 0755), 0);
  ASSERT_EQ(::unlink(In("a/link").c_str()), 0);
  Link("a/link", "../empty");
  differs("a link's target");
  // Nothing is left out in silence: what is there can be imported or read by the plugin.
  Write("__pycache__/a.pyc", "x");
  Write(".git/HEAD", "x");
  differs("__pycache__ and .git");
}

TEST_F(BundleTreeTest, TheDigestDoesNotDependOnOrderTimesModesOrUmask) {
  WriteTree();
  const std::string before = Digest();
  const timespec old[2] = {{1, 0}, {1, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, In("a.txt").c_str(), old, 0), 0);
  ASSERT_EQ(::chmod(In("a.txt").c_str(), 0600), 0);
  ASSERT_EQ(::chmod(In("a/b").c_str(), 0700), 0);
  ASSERT_EQ(::chmod(In("a").c_str(), 02711), 0);  // setgid on a directory only passes a group on
  if (::geteuid() == 0) {
    ASSERT_EQ(::lchown(In("empty").c_str(), 12345, 54321), 0);
  }
  EXPECT_EQ(Digest(), before);
  // Another order of creation, under another umask.
  ASSERT_TRUE(base::RemoveTree(source()).ok());
  const mode_t mask = ::umask(077);
  ASSERT_EQ(::mkdir(source().c_str(), 0700), 0);
  std::filesystem::create_directory(In("hollow"));
  Link("a/link", "../a.txt");
  Write("empty", "");
  Write("ü.bin", std::string("\0\xff", 2));
  Write("a/b", "beta", 0711);
  Write("a.txt", "alpha\n");
  EXPECT_EQ(Digest(), before);
  ::umask(mask);
}

TEST_F(BundleTreeTest, ACopyHasTheSameDigestAndPlainModesWhateverTheUmask) {
  WriteTree();
  ASSERT_EQ(::chmod(In("a.txt").c_str(), 0600), 0);
  ASSERT_EQ(::chmod(In("a").c_str(), 0700), 0);
  const mode_t mask = ::umask(077);
  const auto copied = CopyTo(dir() + "/copy");
  ::umask(mask);
  ASSERT_THAT(copied, IsOk());
  EXPECT_EQ(copied->digest, Digest());
  EXPECT_EQ(DigestOf(dir() + "/copy"), Digest());
  EXPECT_EQ(ModeOf(dir() + "/copy/a"), 0755u);
  EXPECT_EQ(ModeOf(dir() + "/copy/hollow"), 0755u);
  EXPECT_EQ(ModeOf(dir() + "/copy/a/b"), 0755u);
  EXPECT_EQ(ModeOf(dir() + "/copy/a.txt"), 0644u);
  EXPECT_EQ(Content(dir() + "/copy/a.txt"), "alpha\n");
}

TEST_F(BundleTreeTest, RefusesWhatIsNeitherFileDirectoryNorLink) {
  ASSERT_EQ(::mkfifo(In("pipe").c_str(), 0644), 0);
  EXPECT_THAT(Hash(), StatusIs(kInvalid,
                               "bundle b: pipe: is a FIFO; only files, directories and links "
                               "may be in a bundle"));
  ASSERT_EQ(::unlink(In("pipe").c_str()), 0);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  In("sock").copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::close(fd);
  EXPECT_THAT(Hash(), StatusIs(kInvalid, HasSubstr("bundle b: sock: is a socket; ")));
  ASSERT_EQ(::unlink(In("sock").c_str()), 0);
  if (::mknod(In("null").c_str(), S_IFCHR | 0666, makedev(1, 3)) != 0) {
    GTEST_SKIP() << "the device case needs CAP_MKNOD";
  }
  EXPECT_THAT(Hash(), StatusIs(kInvalid, HasSubstr("bundle b: null: is a device; ")));
}

TEST_F(BundleTreeTest, RefusesSetuidAndSetgidFiles) {
  for (const mode_t mode : {04755, 02755, 04644}) {
    Write("bin/x", "", mode);
    EXPECT_THAT(Hash(),
                StatusIs(kInvalid, "bundle b: bin/x: is setuid or setgid; remove those bits"));
  }
}

TEST_F(BundleTreeTest, LinksMustStayInside) {
  Write("d/e/file", "x");
  struct Case {
    const char* path;
    const char* target;
    bool good;
  };
  const Case cases[] = {{"l", "d/e/file", true},
                        {"d/l", "../d/e/file", true},
                        {"d/l", "./e/../e/file", true},
                        {"l", "no/such/file", true},
                        {"l", "l", true},
                        {"l", ".", true},
                        {"l", "/etc/passwd", false},
                        {"l", "/plugin/d/e/file", false},
                        {"l", "..", false},
                        {"l", "../source/d", false},
                        {"d/l", "../../etc/passwd", false},
                        {"d/l", "e/../../../x", false},
                        {"l", "no/../../x", false}};
  for (const Case& c : cases) {
    Link(c.path, c.target);
    const auto tree = Hash();
    if (c.good) {
      EXPECT_THAT(tree, IsOk()) << c.target;
    } else {
      EXPECT_THAT(tree, StatusIs(kInvalid, "bundle b: " + std::string(c.path) +
                                               ": is a link to \"" + c.target +
                                               "\", outside of the bundle; use a relative "
                                               "link that stays in it"));
    }
    ASSERT_EQ(::unlink(In(c.path).c_str()), 0);
  }
}

// Each link's text stays inside, and yet the second leads out through the first.
TEST_F(BundleTreeTest, LinksOverLinksMustStayInside) {
  Write("d/file", "x");
  Link("d/up", "..");
  EXPECT_THAT(Hash(), IsOk());
  Link("x", "d/up/../outside");
  for (const auto& tree : {Hash(), CopyTo(dir() + "/copy")}) {
    EXPECT_THAT(tree, StatusIs(kInvalid, HasSubstr("bundle b: x: is a link to \"d/up/../outside\", "
                                                   "outside of the bundle")));
  }
}

TEST_F(BundleTreeTest, NamesMustBePlainText) {
  for (const char* name : {"a\nb", "\x1b[31m", "a\x7f", "\xff", "a\u202egnp.py"}) {
    Write(std::string("d/") + name, "");
    const auto tree = Hash();
    EXPECT_THAT(tree, StatusIs(kInvalid, HasSubstr("bundle b: d: the name \"")));
    for (const char c : tree.status().message()) EXPECT_GE(static_cast<unsigned char>(c), 0x20);
    ASSERT_EQ(::unlink(In(std::string("d/") + name).c_str()), 0);
  }
  Link("l", "a\x1b");
  EXPECT_THAT(Hash(),
              StatusIs(kInvalid, HasSubstr("l: is a link to \"a\\x1b\", which holds the control")));
}

TEST_F(BundleTreeTest, SizesAreBounded) {
  Write("big", "");
  ASSERT_EQ(::truncate(In("big").c_str(), 16 << 20), 0);
  EXPECT_THAT(Hash(), IsOk());
  ASSERT_EQ(::truncate(In("big").c_str(), (16 << 20) + 1), 0);
  EXPECT_THAT(Hash(), StatusIs(kInvalid, "bundle b: big: is larger than 16777216 bytes"));
  ASSERT_EQ(::truncate(In("big").c_str(), 16 << 20), 0);
  for (const char* name : {"big2", "big3", "big4"}) {
    Write(name, "");
    ASSERT_EQ(::truncate(In(name).c_str(), 16 << 20), 0);
  }
  EXPECT_THAT(Hash(), IsOk());
  Write("one", "x");
  EXPECT_THAT(Hash(),
              StatusIs(kInvalid, "bundle b: one: makes the bundle larger than 67108864 bytes"));
}

TEST_F(BundleTreeTest, EntriesAreBounded) {
  Write("d/0", "");
  for (std::uint64_t i = 2; i < kMaxBundleEntries; ++i) {
    ASSERT_EQ(::link(In("d/0").c_str(), In("d/" + std::to_string(i)).c_str()), 0);
  }
  EXPECT_THAT(Hash(), IsOk());
  Write("e", "");
  EXPECT_THAT(Hash(), StatusIs(kInvalid, "bundle b: more than 10000 entries"));
}

TEST_F(BundleTreeTest, DepthIsBounded) {
  std::string path = "d";
  for (int i = 1; i < 32; ++i) path += "/d";
  std::filesystem::create_directories(In(path));
  EXPECT_THAT(Hash(), IsOk());
  std::filesystem::create_directory(In(path + "/d"));
  EXPECT_THAT(Hash(), StatusIs(kInvalid, HasSubstr(path + "/d: deeper than 32 directories")));
}

// A thread swaps a file for a link to a secret outside, and a directory for a link to the directory
// that holds it, as fast as it can: the copy may fail, but never has the secret in it.
TEST_F(BundleTreeTest, SwappedLinksNeverLeadOutside) {
  std::filesystem::create_directory(dir() + "/secret");
  std::ofstream(dir() + "/secret/file") << "SECRET";
  Write("file", "public");
  Write("d/file", "public");
  ASSERT_EQ(::symlink("../secret/file", (dir() + "/file.link").c_str()), 0);
  ASSERT_EQ(::symlink("../secret", (dir() + "/d.link").c_str()), 0);
  std::atomic<bool> stop = false;
  std::thread attacker([&] {
    const auto exchange = [&](const std::string& a, const std::string& b) {
      ::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE);
    };
    while (!stop) {
      exchange(In("file"), dir() + "/file.link");
      exchange(In("d"), dir() + "/d.link");
    }
  });
  int copied = 0;
  // Both ends of the race must have been seen; on a busy machine that takes a while.
  for (int i = 0; i < 100 || (copied == 0 && i < 5000); ++i) {
    const std::string copy = dir() + "/copy" + std::to_string(i);
    const auto tree = CopyTo(copy);
    if (tree.ok()) {
      ++copied;
      EXPECT_EQ(DigestOf(copy), tree->digest);
    } else {
      EXPECT_THAT(tree, StatusIs(kInvalid, AnyOf(HasSubstr("changed while it was read"),
                                                 HasSubstr("outside of the bundle"))));
    }
    for (const char* file : {"/file", "/d/file"}) {
      const std::string content =
          std::filesystem::is_symlink(copy + file) ? "" : Content(copy + file);
      EXPECT_THAT(content, AnyOf("", "public"));
    }
    EXPECT_FALSE(std::filesystem::is_symlink(copy + "/d"));
    base::RemoveTree(copy).IgnoreError();
  }
  stop = true;
  attacker.join();
  EXPECT_GT(copied, 0) << "the attacker won every time, so the copies proved nothing";
}

// Bytes written while they are read: whatever was copied, the digest is of exactly that.
TEST_F(BundleTreeTest, AFileThatChangesMeanwhileIsHashedAsItWasCopied) {
  const std::string one(1 << 20, '1');
  const std::string two(1 << 20, '2');
  Write("file", one);
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    const auto fd = base::OpenFile(In("file"), O_WRONLY);
    for (bool odd = false; !stop; odd = !odd) {
      const std::string& bytes = odd ? one : two;
      for (std::size_t at = 0; at < bytes.size() && !stop; at += 4096) {
        if (::pwrite(fd->get(), bytes.data() + at, 4096, static_cast<off_t>(at)) < 0) return;
      }
    }
  });
  int mixed = 0;
  for (int i = 0; i < 10 || (mixed == 0 && i < 1000); ++i) {
    const std::string copy = dir() + "/copy" + std::to_string(i);
    const auto tree = CopyTo(copy);
    ASSERT_THAT(tree, IsOk());
    EXPECT_EQ(DigestOf(copy), tree->digest);
    const std::string content = Content(copy + "/file");
    mixed += content != one && content != two;
    base::RemoveTree(copy).IgnoreError();
  }
  stop = true;
  writer.join();
  EXPECT_GT(mixed, 0) << "the file never changed during a copy, so the copies proved nothing";
}

}  // namespace
}  // namespace vortex::sandbox
