// SPDX-License-Identifier: MIT
// groups [SVG]: what delivering a notification costs, by the number of groups and of file systems that each has marked. Writes
// the picture of docs/performance.md where a file is named. Needs no privilege.
#include "notify/groups.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <optional>

#include "figures.h"
#include "record/stream.h"

namespace fsherald::bench {
namespace {

constexpr int kRounds = 41;
constexpr int kPerRound = 1000;  // notifications
constexpr int kKeepsUp = 50;     // of these between two reads
constexpr int kFallsBehind = 1000;
constexpr std::array kGroupCounts{1, 8, 64};
constexpr std::array kFilesystemCounts{1, 10, 100, 1000};

// As an ext4 error with everything known is.
Notification Typical() {
  Notification n;
  n.seq = 1;
  n.filesystem_seq = 1;
  n.utc_ns = 1'700'000'000'000'000'000;
  n.boottime_ns = 431'270'412'345;
  n.filesystem = {.type = "ext4",
                  .device = "loop0",
                  .dev = DeviceNumber{7, 0},
                  .uuid = Uuid{},
                  .fsid = Fsid{1, 2},
                  .mounts = {"/data"}};
  n.error = {.code = 117, .count = 1};
  n.location =
      Location{.function = "ext4_lookup",
               .line = 1855,
               .stack = {"ext4_lookup+0x1a2", "__lookup_slow+0x82", "walk_component+0xdb", "path_lookupat+0x67"}};
  n.specific = Specific{.type = "ext4",
                        .fields = {{"inode", uint64_t{12}}, {"block", {}}, {"group", {}}},
                        .message = "deleted inode referenced: 12"};
  n.object = ObjectInfo{.inode = 12, .generation = 7, .path = "/data/d/f", .path_source = PathSource::kHandle};
  n.task = Task{.pid = 2211, .tid = 2211, .comm = "ls", .cgroup = "/user.slice"};
  n.sources = SourceId::kFanotify;
  return n;
}

double NowNs() {
  return static_cast<double>(std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1));
}

// Groups that all have marked the same file systems.
class Setting {
 public:
  Setting(int group_count, int filesystem_count) : filesystem_count_(static_cast<uint32_t>(filesystem_count)) {
    for (int i = 0; i < group_count; ++i) {
      owned_.push_back(std::make_unique<Group>());
      for (uint32_t key = 1; key <= filesystem_count_; ++key) (void)groups_.Mark(*owned_.back(), {key});
    }
  }

  // One round, read after each `burst`. ns a notification, without the reading; empty: not all was read.
  std::optional<double> Round(int burst) {
    double ns = 0;
    for (int delivered = 0; delivered < kPerRound; delivered += burst) {
      ns += Deliver(1, burst);
      if (!Read(burst)) return std::nullopt;
    }
    return ns / kPerRound;
  }
  double RoundOfUnmarked() { return Deliver(1'000'000, kPerRound) / kPerRound; }

  size_t NotificationBytes() const {
    std::string bytes;
    AppendStream(notification_, {}, bytes);
    return bytes.size();
  }

 private:
  double Deliver(uint32_t first_key, int count) {
    const double begin = NowNs();
    for (int i = 0; i < count; ++i) {
      const FilesystemKey key{first_key + next_++ % filesystem_count_};
      ++notification_.seq;
      given_.clear();
      groups_.Deliver(notification_, std::span(&key, 1), given_);
    }
    return NowNs() - begin;
  }

  bool Read(int count) {
    for (const auto& group : owned_) {
      size_t bytes = 0;
      while (const size_t some = group->Read(buffer_)) bytes += some;
      group->AcknowledgeAll();
      if (bytes != static_cast<size_t>(count) * notification_bytes_) return false;
    }
    return true;
  }

  uint32_t filesystem_count_;
  uint32_t next_ = 0;
  Groups groups_{Host{}};
  std::vector<std::unique_ptr<Group>> owned_;
  std::vector<Group*> given_;
  Notification notification_ = Typical();
  size_t notification_bytes_ = NotificationBytes();
  std::vector<std::byte> buffer_ = std::vector<std::byte>(32768);
};

struct Results {
  std::map<std::pair<int, int>, Figures> keeps_up;  // by groups and file systems; ns a notification and group
  std::map<std::pair<int, int>, Figures> falls_behind;
  Figures unmarked;  // ns a notification
};

// All settings live at once and take turns: what disturbs the machine disturbs all, and each has its memory alike.
bool Measure(Results& results) {
  std::map<std::pair<int, int>, std::unique_ptr<Setting>> settings;
  for (int groups : kGroupCounts)
    for (int filesystems : kFilesystemCounts)
      settings[{groups, filesystems}] = std::make_unique<Setting>(groups, filesystems);
  for (int round = -1; round < kRounds; ++round) {
    for (auto& [counts, setting] : settings) {
      const std::optional<double> keeps_up = setting->Round(kKeepsUp);
      const std::optional<double> falls_behind = setting->Round(kFallsBehind);
      if (!keeps_up || !falls_behind) return false;
      const double unmarked = setting->RoundOfUnmarked();
      if (round < 0) continue;  // warms up
      results.keeps_up[counts].Add(*keeps_up / counts.first);
      results.falls_behind[counts].Add(*falls_behind / counts.first);
      results.unmarked.Add(unmarked);
    }
  }
  return true;
}

double EncodingNs() {
  const Notification notification = Typical();
  Figures figures;
  std::string bytes;
  for (int round = 0; round < kRounds; ++round) {
    const double begin = NowNs();
    for (int i = 0; i < kPerRound; ++i) {
      bytes.clear();
      AppendStream(notification, {}, bytes);
    }
    figures.Add((NowNs() - begin) / kPerRound);
  }
  return figures.median();
}

// Two logarithmic axes: file systems to the right, ns up.
class Picture {
 public:
  explicit Picture(const Results& all) {
    const auto& results = all.keeps_up;
    for (const auto& [counts, figures] : results) top_ns_ = std::max(top_ns_, figures.max());
    top_ns_ = std::pow(10, std::ceil(std::log10(top_ns_)));
    Frame();
    const std::map<int, std::string> colors{{1, "#1f6feb"}, {8, "#bf5b04"}, {64, "#1a7f37"}};
    for (const auto& [groups, color] : colors) Line(results, groups, color);
    svg_ += "</svg>\n";
  }
  const std::string& svg() const { return svg_; }

 private:
  static constexpr double kLeft = 70, kRight = 560, kTop = 50, kBottom = 320;

  double X(double filesystems) const { return kLeft + 30 + std::log10(filesystems) / 3 * (kRight - kLeft - 130); }
  double Y(double ns) const { return kBottom - std::log10(ns / 10) / std::log10(top_ns_ / 10) * (kBottom - kTop); }
  void Text(double x, double y, const char* anchor, const std::string& text, const std::string& color = "#333") {
    svg_ += fmt::format("<text x=\"{:.0f}\" y=\"{:.0f}\" text-anchor=\"{}\" fill=\"{}\">{}</text>\n", x, y, anchor,
                        color, text);
  }
  void Stroke(double x1, double y1, double x2, double y2, const std::string& color, double width) {
    svg_ += fmt::format(
        "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\" stroke-width=\"{}\"/>\n", x1, y1,
        x2, y2, color, width);
  }

  void Frame() {
    svg_ =
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 600 370\" font-family=\"sans-serif\" "
        "font-size=\"12\">\n"
        "<rect width=\"600\" height=\"370\" fill=\"#fff\"/>\n";
    Text(300, 24, "middle", "Delivery: ns a notification and group; median, minimum to maximum");
    for (double ns = 10; ns <= top_ns_ * 1.01; ns *= 10) {
      Stroke(kLeft, Y(ns), kRight, Y(ns), "#ddd", 1);
      Text(kLeft - 8, Y(ns) + 4, "end", fmt::format("{:.0f} ns", ns));
    }
    for (int filesystems : kFilesystemCounts) Text(X(filesystems), kBottom + 20, "middle", std::to_string(filesystems));
    Text((kLeft + kRight) / 2, kBottom + 40, "middle", "file systems marked by each group");
  }

  void Line(const std::map<std::pair<int, int>, Figures>& results, int groups, const std::string& color) {
    std::string points;
    double last_y = 0;
    for (int filesystems : kFilesystemCounts) {
      const Figures& figures = results.at({groups, filesystems});
      last_y = Y(figures.median());
      points += fmt::format("{:.1f},{:.1f} ", X(filesystems), last_y);
      Stroke(X(filesystems), Y(figures.min()), X(filesystems), Y(figures.max()), color, 1);
    }
    svg_ += fmt::format("<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"/>\n", points, color);
    Text(X(1000) + 10, last_y + 4, "start", fmt::format("{} group{}", groups, groups == 1 ? "" : "s"), color);
  }

  std::string svg_;
  double top_ns_ = 10;
};

std::string Cell(const Figures& figures) {
  return fmt::format("{:.0f} ({:.0f}, {:.0f})", figures.median(), figures.min(), figures.max());
}

void Print(const Results& results) {
  fmt::print(
      "ns a notification and group, median (min, max) of {} rounds of {} notifications of {} bytes\n"
      "groups  file systems  read after each {:<8}  read after each {}\n",
      kRounds, kPerRound, Setting(1, 1).NotificationBytes(), kKeepsUp, kFallsBehind);
  for (const auto& [counts, figures] : results.keeps_up)
    fmt::print("{:>6}  {:>12}  {:<24}  {}\n", counts.first, counts.second, Cell(figures),
               Cell(results.falls_behind.at(counts)));
  fmt::print("of this, once a notification: encoding it {:.0f}\n", EncodingNs());
  fmt::print("a file system that nobody marked: {:.1f} ({:.1f}, {:.1f}) a notification\n", results.unmarked.median(),
             results.unmarked.min(), results.unmarked.max());
}

}  // namespace
}  // namespace fsherald::bench

int main(int argc, char** argv) {
  using namespace fsherald::bench;
  Results results;
  if (!Measure(results)) {
    std::fputs("groups: what was read is not what was delivered\n", stderr);
    return 1;
  }
  Print(results);
  if (argc > 1) std::ofstream(argv[1]) << Picture(results).svg();
  return 0;
}
