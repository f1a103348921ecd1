// SPDX-License-Identifier: MIT
// Figures: many measurements of one thing, and what is told of them.
#pragma once

#include <string>
#include <vector>

namespace fsherald::bench {

class Figures {
 public:
  void Add(double value) { values_.push_back(value); }
  size_t count() const { return values_.size(); }
  const std::vector<double>& values() const { return values_; }

  // The value that a share of all (0 to 1) does not exceed; 0 where there is none.
  double Quantile(double share) const;
  double median() const { return Quantile(0.5); }
  double min() const { return Quantile(0); }
  double max() const { return Quantile(1); }

 private:
  std::vector<double> values_;
};

// "median 21.3  p99 60.1  min 14.0  max 88.8  (1000)"
std::string Words(const Figures& figures);

// "1.42 (target 1.50: met)"
std::string Ratio(double ours, double theirs, double target);

}  // namespace fsherald::bench
