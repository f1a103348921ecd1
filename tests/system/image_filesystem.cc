// SPDX-License-Identifier: MIT
#include "image_filesystem.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "process.h"
#include "sandbox.h"

namespace fsherald::system_test {
namespace {

namespace fs = std::filesystem;

// How file systems of one type are made: a program, and how the files come into them.
struct Maker {
  const char* type;
  const char* program;
  uint64_t size_bytes;  // 0: the program makes the file
  enum class Fill { kByProgram, kByMount } fill;
  std::vector<std::string> (*arguments)(const std::string& tree, const std::vector<std::string>& images);
};

std::vector<std::string> Xfs(const std::string&, const std::vector<std::string>& images) {
  return {"-q", "-f", images[0]};
}

std::vector<std::string> Btrfs(const std::string&, const std::vector<std::string>& images) {
  std::vector<std::string> arguments{"-q", "-f"};
  arguments.insert(arguments.end(), images.begin(), images.end());
  return arguments;
}

std::vector<std::string> Squashfs(const std::string& tree, const std::vector<std::string>& images) {
  return {tree, images[0], "-quiet", "-no-progress", "-noappend"};
}

std::vector<std::string> Erofs(const std::string& tree, const std::vector<std::string>& images) {
  return {"--quiet", images[0], tree};
}

constexpr Maker kMakers[] = {
    {"xfs", "mkfs.xfs", 320ULL << 20, Maker::Fill::kByMount, Xfs},
    {"btrfs", "mkfs.btrfs", 256ULL << 20, Maker::Fill::kByMount, Btrfs},
    {"squashfs", "mksquashfs", 0, Maker::Fill::kByProgram, Squashfs},
    {"erofs", "mkfs.erofs", 0, Maker::Fill::kByProgram, Erofs},
};

const Maker* FindMaker(const std::string& type) {
  for (const Maker& maker : kMakers)
    if (type == maker.type) return &maker;
  return nullptr;
}

// In PATH, else where Debian has what only root needs; empty: nowhere.
std::string FindProgram(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream directories((path != nullptr ? path : "") + std::string(":/usr/sbin:/sbin:/usr/bin:/bin"));
  for (std::string directory; std::getline(directories, directory, ':');)
    if (!directory.empty() && access((directory + "/" + name).c_str(), X_OK) == 0) return directory + "/" + name;
  return {};
}

// Text that compresses, and no two pages of it are the same.
std::string Page(size_t bytes) {
  std::string text;
  for (size_t line = 0; text.size() < bytes; ++line)
    text += "line " + std::to_string(line * 2654435761U) + " of a letter\n";
  text.resize(bytes);
  return text;
}

// The files of every type but ext4, below `root`; more than one block where a file system would keep less in its inode.
void Populate(const std::string& root) {
  for (const char* directory : {"letters", "books", "many", "extra"}) fs::create_directory(root + "/" + directory);
  for (const char* name : {"alice", "bob", "carol"}) WriteFile(root + "/letters/" + name, Page(8 << 10));
  WriteFile(root + "/books/atlas", Page(256 << 10));
  for (int i = 0; i < 300; ++i) {
    char name[8];
    std::snprintf(name, sizeof name, "f%03d", i);
    WriteFile(root + "/many/" + name, std::to_string(i) + "\n");
  }
  std::string target = "elsewhere";
  for (int i = 0; i < 89; ++i) target += "/elsewhere";
  fs::create_symlink(target, root + "/extra/link");
  const Fd sparse(open((root + "/extra/sparse").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  const std::string block(4096, 's');
  for (off_t i = 0; i < 400; ++i)
    if (pwrite(sparse.get(), block.data(), block.size(), i * 8192) != 4096) FailErrno("write extra/sparse");
  if (fsync(sparse.get()) != 0) FailErrno("fsync extra/sparse");
  WriteFile(root + "/extra/attributed", "x");
  const std::string note(500, 'n');
  for (int i = 0; i < 6; ++i) {
    const std::string name = "user.note" + std::to_string(i);
    // Not on every file system, and not needed there.
    (void)setxattr((root + "/extra/attributed").c_str(), name.c_str(), note.data(), note.size(), 0);
  }
}

const std::string& PopulatedTree() {
  static const std::string tree = [] {
    const std::string root = kSandbox + "/populated";
    fs::create_directory(root);
    Populate(root);
    return root;
  }();
  return tree;
}

std::string MemberOptions(const std::vector<std::unique_ptr<LoopDevice>>& loops) {
  std::string options;
  for (size_t i = 1; i < loops.size(); ++i) options += (options.empty() ? "device=" : ",device=") + loops[i]->path();
  return options;
}

std::string UuidOf(const std::string& device) {
  std::string uuid = RunToEnd({.arguments = {FindProgram("blkid"), "-p", "-o", "value", "-s", "UUID", device},
                               .environment = {},
                               .directory = {}})
                         .output;
  while (uuid.ends_with('\n')) uuid.pop_back();
  return uuid.size() == 36 ? uuid : std::string();
}

}  // namespace

std::optional<std::string> WhyNoImages(const std::string& type) {
  if (type == "ext4") return std::nullopt;
  const Maker* maker = FindMaker(type);
  if (maker == nullptr) return "the tests do not know how to make " + type;
  if (FindProgram(maker->program).empty()) return std::string(maker->program) + " is not installed";
  std::istringstream known(ReadFile("/proc/filesystems"));
  for (std::string word; known >> word;)
    if (word == type) return std::nullopt;
  return "this kernel has no " + type;
}

void MakeImages(const std::string& type, const std::vector<std::string>& images,
                const std::vector<std::string>& options) {
  if (type == "ext4") return MakeImage(images.at(0), options);
  const Maker& maker = *FindMaker(type);
  for (const std::string& image : images) {
    std::ofstream(image, std::ios::trunc).flush();
    fs::resize_file(image, maker.size_bytes);
  }
  Command command{.arguments = {FindProgram(maker.program)}, .environment = {}, .directory = {}};
  const bool by_mount = maker.fill == Maker::Fill::kByMount;
  const bool options_last = type == "squashfs";
  if (!options_last) command.arguments.insert(command.arguments.end(), options.begin(), options.end());
  for (const std::string& argument : maker.arguments(by_mount ? "" : PopulatedTree(), images))
    command.arguments.push_back(argument);
  if (options_last) command.arguments.insert(command.arguments.end(), options.begin(), options.end());
  RunOrFail(command);
  if (!by_mount) return;
  ImageFilesystem fresh(type, images, "fresh");
  fresh.MountWith("");
  Populate(fresh.directory());
}

ImageFilesystem::ImageFilesystem(std::string type, const std::vector<std::string>& disks, const std::string& name,
                                 bool read_only_devices)
    : type_(std::move(type)), directory_(kSandbox + "/" + name) {
  for (const std::string& disk : disks) loops_.push_back(std::make_unique<LoopDevice>(disk, read_only_devices));
  uuid_ = UuidOf(loops_.front()->path());
  fs::create_directories(directory_);
}

std::string ImageFilesystem::WithMembers(const std::string& options) const {
  if (type_ == "ext4") return WithoutKernelThread(options);
  const std::string members = MemberOptions(loops_);
  return options.empty() || members.empty() ? options + members : options + "," + members;
}

void ImageFilesystem::MountWith(const std::string& options) {
  mount_ = std::make_unique<Mount>(loops_.front()->path(), directory_, WithMembers(options), type_);
}

Finished ImageFilesystem::TryToMount(const std::string& options) const {
  Command command{.arguments = {"mount", "-t", type_}, .environment = {}, .directory = {}};
  if (const std::string all = WithMembers(options); !all.empty()) {
    command.arguments.push_back("-o");
    command.arguments.push_back(all);
  }
  command.arguments.push_back(loops_.front()->path());
  command.arguments.push_back(directory_);
  return RunToEnd(command);
}

void ImageFilesystem::UnmountTried() const {
  if (umount2(directory_.c_str(), 0) != 0) FailErrno("umount " + directory_);
}

std::string ImageFilesystem::Attribute(const std::string& name) const {
  const std::string path = "/sys/fs/" + type_ + "/" + (type_ == "btrfs" ? uuid_ : device()) + "/" + name;
  if (access(path.c_str(), R_OK) != 0) return {};
  std::string text = ReadFile(path);
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

std::optional<uint64_t> ImageFilesystem::ErrorsCount() const {
  if (type_ == "ext4") return std::stoull(Attribute("errors_count"));
  if (type_ != "btrfs") return std::nullopt;
  uint64_t sum = 0;
  for (const auto& device : fs::directory_iterator("/sys/fs/btrfs/" + uuid_ + "/devinfo")) {
    std::istringstream stats(ReadFile(device.path().string() + "/error_stats"));
    std::string name;
    for (uint64_t count; stats >> name >> count;) sum += count;
  }
  return sum;
}

// Nothing tells of btrfs's counters when they rise: they are asked again.
std::optional<uint64_t> ImageFilesystem::ErrorsCountOnceAtLeast(uint64_t count, Deadline deadline) const {
  std::optional<uint64_t> now = ErrorsCount();
  while (now && *now < count && MillisecondsUntil(deadline) > 0) {
    poll(nullptr, 0, 5);
    now = ErrorsCount();
  }
  return now;
}

}  // namespace fsherald::system_test
