# Settings that every target of the tree shares: language level, warnings, sanitizers, output folders, packages.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "build type" FORCE)
endif()

find_program(HALFTONE_CCACHE ccache)
if(HALFTONE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER "${HALFTONE_CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${HALFTONE_CCACHE}")
endif()

# One folder layout in the build tree and after installation, so that `halftone` finds its plug-ins the same way.
include(GNUInstallDirs)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/${CMAKE_INSTALL_BINDIR}")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/${CMAKE_INSTALL_LIBDIR}")
set(HALFTONE_PLUGIN_SUBDIR "${CMAKE_INSTALL_LIBDIR}/halftone/plugins")
set(CMAKE_INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion)
add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor> $<$<COMPILE_LANGUAGE:CXX>:-Woverloaded-virtual>)
# A product of two floats must round the same wherever the compiler puts it: results are promised bit for bit.
add_compile_options(-ffp-contract=off)
if(HALFTONE_WERROR)
  add_compile_options(-Werror)
endif()
if(HALFTONE_SANITIZE)
  add_compile_options(-fsanitize=${HALFTONE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=${HALFTONE_SANITIZE})
endif()

find_package(Threads REQUIRED)
find_package(Protobuf REQUIRED) # before ONNX, whose package file names protobuf's target without finding it
find_package(ONNX REQUIRED)
find_package(TBB REQUIRED)
find_package(Boost CONFIG REQUIRED COMPONENTS program_options)
find_package(yaml-cpp REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(fmt REQUIRED)
find_package(hwy REQUIRED)
find_package(Eigen3 REQUIRED NO_MODULE)
find_library(XXHASH_LIBRARY NAMES xxhash REQUIRED)
find_library(GLPK_LIBRARY NAMES glpk REQUIRED)

# What only tests run is not optimised: it is compiled once for each time that it runs, and takes longer to compile than to run.
# A hardened system's _FORTIFY_SOURCE warns where nothing is optimised.
set(HALFTONE_TEST_OPTIONS $<$<CXX_COMPILER_ID:GNU,Clang>:-O0;-U_FORTIFY_SOURCE>)

# halftone_add_test(NAME SOURCES... [LINK targets...]): one doctest program, one CTest entry. doctest itself takes longer to
# compile than most tests, so that all programs share one object of it.
function(halftone_add_test name)
  cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
  if(NOT TARGET halftone_doctest_main)
    halftone_add_test_library(halftone_doctest_main OBJECT "${PROJECT_SOURCE_DIR}/tests/doctest_main.cpp")
  endif()
  add_executable(${name} ${arg_UNPARSED_ARGUMENTS} $<TARGET_OBJECTS:halftone_doctest_main>)
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_compile_options(${name} PRIVATE ${HALFTONE_TEST_OPTIONS})
  target_link_libraries(${name} PRIVATE ${arg_LINK} fmt::fmt)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES
    ENVIRONMENT "HALFTONE_SOURCE_DIR=${PROJECT_SOURCE_DIR};HALFTONE_BUILD_DIR=${CMAKE_BINARY_DIR}")
endfunction()

# halftone_add_test_library(NAME STATIC|OBJECT SOURCES... [LINK targets...]): what several test programs share.
function(halftone_add_test_library name kind)
  cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
  add_library(${name} ${kind} ${arg_UNPARSED_ARGUMENTS})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_compile_options(${name} PRIVATE ${HALFTONE_TEST_OPTIONS})
  target_link_libraries(${name} PUBLIC ${arg_LINK} fmt::fmt)
endfunction()

# halftone_use_objects(PROGRAM TARGET NAMES...): the program links the objects of these sources of a plug-in, which keeps them
# (halftone_keep_objects), so that a test or a benchmark calls the very functions that ship.
function(halftone_use_objects program target)
  get_target_property(folder ${target} SOURCE_DIR)
  foreach(name ${ARGN})
    get_source_file_property(kept "${folder}/${name}.cpp" TARGET_DIRECTORY ${target} HALFTONE_KEPT)
    if(NOT kept)
      message(FATAL_ERROR "${program} links the object of ${name}, which ${target} does not keep; add it to halftone_keep_objects")
    endif()
  endforeach()
  list(JOIN ARGN "|" names)
  target_sources(${program} PRIVATE "$<FILTER:$<TARGET_OBJECTS:${target}>,INCLUDE,/(${names})\\.cpp\\.o$>")
endfunction()
