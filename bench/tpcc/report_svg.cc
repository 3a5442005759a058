#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "bench/tpcc/report.h"

namespace quorate::bench {

namespace {

constexpr double kLeft = 70, kWidth = 860, kPanel = 170, kGap = 50, kTop = 60;

// A panel of the picture: a scale on the left, seconds below.
class Panel {
 public:
  Panel(int number, size_t seconds, double low, double high, bool logarithmic)
      : top_(kTop + number * (kPanel + kGap)),
        seconds_(std::max<size_t>(seconds, 1)),
        low_(low),
        high_(high),
        logarithmic_(logarithmic) {}

  double x(double second) const { return kLeft + kWidth * second / seconds_; }
  double y(double v) const {
    const double f = logarithmic_ ? std::log(std::max(v, low_) / low_) / std::log(high_ / low_)
                                  : (v - low_) / (high_ - low_);
    return top_ + kPanel * (1 - std::clamp(f, 0.0, 1.0));
  }

  std::string frame(const std::string& title, const std::string& legend) const {
    std::string s = fmt::format(
        "<text x='{}' y='{}' class='t'>{}</text><text x='{}' y='{}' text-anchor='end'>{}</text>\n",
        kLeft, top_ - 8, title, kLeft + kWidth, top_ - 8, legend);
    for (double v : ticks()) {
      s += fmt::format(
          "<line x1='{0}' x2='{1}' y1='{2:.1f}' y2='{2:.1f}' class='g'/><text x='{3}' y='{4:.1f}' "
          "text-anchor='end'>{5:g}</text>\n",
          kLeft, kLeft + kWidth, y(v), kLeft - 6, y(v) + 4, v);
    }
    const size_t step = std::max<size_t>(1, (seconds_ + 9) / 10);
    for (size_t t = 0; t <= seconds_; t += step) {
      s += fmt::format("<text x='{:.1f}' y='{}' text-anchor='middle'>{} s</text>\n", x(t),
                       top_ + kPanel + 16, t);
    }
    return s;
  }

  std::string curve(const std::vector<double>& values, const char* color) const {
    std::string points;
    for (size_t i = 0; i < values.size(); ++i)
      points += fmt::format("{:.1f},{:.1f} ", x(i + 0.5), y(values[i]));
    return fmt::format("<polyline points='{}' fill='none' stroke='{}' stroke-width='1.5'/>\n",
                       points, color);
  }

  std::string bars(const std::vector<double>& values, const char* color) const {
    std::string s;
    for (size_t i = 0; i < values.size(); ++i) {
      if (values[i] <= 0) continue;
      s += fmt::format("<rect x='{:.1f}' y='{:.1f}' width='{:.2f}' height='{:.1f}' fill='{}'/>\n",
                       x(i), y(values[i]), std::max(0.8, kWidth / seconds_ * 0.8),
                       top_ + kPanel - y(values[i]), color);
    }
    return s;
  }

 private:
  std::vector<double> ticks() const {
    std::vector<double> v;
    if (logarithmic_) {
      for (double t = low_; t <= high_ * 1.001; t *= 10) v.push_back(t);
    } else {
      for (int i = 0; i <= 4; ++i) v.push_back(low_ + (high_ - low_) * i / 4);
    }
    return v;
  }

  const double top_;
  const size_t seconds_;
  const double low_, high_;
  const bool logarithmic_;
};

// The next of 1, 2, 4, 8 times a power of ten, so that four ticks are round.
double round_up(double v) {
  double scale = 1;
  while (scale * 10 <= v) scale *= 10;
  for (double m : {1.0, 2.0, 4.0, 8.0, 10.0}) {
    if (m * scale >= v) return std::max(m * scale, 4.0);
  }
  return 10 * scale;
}

}  // namespace

std::string report_svg(const RunOptions& options, const Snapshot& s) {
  std::vector<double> all, new_orders, p50, p99, retries, errors;
  for (const Second& second : s.seconds) {
    double sum = 0;
    for (uint32_t n : second.done) sum += n;
    all.push_back(sum);
    new_orders.push_back(second.done[0]);
    p50.push_back(second.latency.percentile(50) / 1000.0);
    p99.push_back(second.latency.percentile(99) / 1000.0);
    errors.push_back(second.errors);
    retries.push_back(second.errors + second.retries);
  }
  auto top_of = [](const std::vector<double>& v) {
    return v.empty() ? 1 : *std::max_element(v.begin(), v.end());
  };
  double slowest = 1;
  while (slowest < top_of(p99)) slowest *= 10;
  const size_t n = s.seconds.size();
  const Panel throughput(0, n, 0, round_up(top_of(all)), false);
  const Panel latency(1, n, 0.1, std::max(slowest, 10.0), true);
  const Panel trouble(2, n, 0, round_up(top_of(retries)), false);
  std::string svg = fmt::format(
      "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 960 {}' font-family='sans-serif' "
      "font-size='11'>\n"
      "<style>.t{{font-size:13px;font-weight:bold}}.g{{stroke:#ddd}}</style><rect width='100%' "
      "height='100%' fill='white'/>\n"
      "<text x='{}' y='26' font-size='15'>TPC-C: {} warehouses, {:.0f} tpmC, {:.1f} "
      "transactions/s</text>\n",
      kTop + 3 * (kPanel + kGap), kLeft, options.warehouses, s.tpmc(), s.per_second());
  svg += throughput.frame("transactions/s", "blue: all, green: new-order");
  svg += throughput.curve(all, "#2563eb") + throughput.curve(new_orders, "#16a34a");
  svg += latency.frame("latency, ms", "blue: p50, orange: p99");
  svg += latency.curve(p50, "#2563eb") + latency.curve(p99, "#ea580c");
  svg += trouble.frame("retries and errors/s", "yellow: retries, red: errors");
  svg += trouble.bars(retries, "#eab308") + trouble.bars(errors, "#dc2626");
  return svg + "</svg>\n";
}

}  // namespace quorate::bench
