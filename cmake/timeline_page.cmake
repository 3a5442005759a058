# Makes one page of sim/timeline's files and writes it as a source file.
#   cmake -DFROM=sim/timeline -DTO=timeline_page.cc -P cmake/timeline_page.cmake
file(READ ${FROM}/page.html page)
file(READ ${FROM}/page.css style)
set(script)
foreach(part data lanes view overlay details anomaly main)
  file(READ ${FROM}/${part}.js text)
  string(APPEND script "${text}")
endforeach()
string(REPLACE "@STYLE@" "${style}" page "${page}")
string(REPLACE "@SCRIPT@" "${script}" page "${page}")
file(WRITE ${TO} "#include \"sim/timeline/timeline.h\"

namespace quorate::sim {
const std::string_view kTimelinePage = R\"~page~(${page})~page~\";
}
")
