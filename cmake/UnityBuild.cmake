# HALFTONE_UNITY: sources of one target are compiled together, a handful at a time. Most of the time of a build goes into headers,
# which a group reads once (docs/decisions/0025-sources-compiled-together.md).

# A class of one source may hold what the unnamed namespace of that source declares, in a group too. And a name of one source is
# in the scope of the others, where a local one hides it: a build without groups tells where that matters.
if(HALFTONE_UNITY)
  add_compile_options($<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-subobject-linkage> -Wno-shadow -Wshadow=local)
endif()

# The C++ sources of a target that are to be compiled in groups: those of one folder, about eight at a time. Which group it is
# follows from the name alone, and their number is a power of two: a new source joins one group and leaves the others as they
# are, and a folder that outgrows its groups splits them.
function(halftone_unite target)
  get_target_property(folder ${target} SOURCE_DIR)
  get_target_property(sources ${target} SOURCES)
  list(FILTER sources INCLUDE REGEX "\\.cpp$")
  set(rooms "")
  foreach(source ${sources})
    cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY "${folder}" NORMALIZE)
    cmake_path(RELATIVE_PATH source BASE_DIRECTORY "${folder}" OUTPUT_VARIABLE room)
    cmake_path(REMOVE_FILENAME room)
    string(MAKE_C_IDENTIFIER "${target}_${room}" room)
    list(APPEND rooms "${room}")
    list(APPEND "sources_${room}" "${source}")
  endforeach()
  list(REMOVE_DUPLICATES rooms)
  foreach(room IN LISTS rooms)
    list(LENGTH "sources_${room}" count)
    set(groups 1)
    while(count GREATER 10)
      math(EXPR count "${count} / 2")
      math(EXPR groups "${groups} * 2")
    endwhile()
    foreach(source ${sources_${room}})
      cmake_path(GET source FILENAME name)
      string(SHA256 digest "${name}")
      string(SUBSTRING "${digest}" 0 6 digest)
      math(EXPR group "0x${digest} % ${groups}")
      set_source_files_properties("${source}" TARGET_DIRECTORY ${target} PROPERTIES UNITY_GROUP "${room}${group}")
      # Highway includes a source once more for each instruction set, which it can do with one source at a time.
      file(STRINGS "${source}" dispatched REGEX "^#define HWY_TARGET_INCLUDE" LIMIT_COUNT 1)
      if(dispatched)
        set_source_files_properties("${source}" TARGET_DIRECTORY ${target} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
      endif()
    endforeach()
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
endfunction()

# halftone_unite_all(FOLDER): every target of the folder and those below it, but the targets that set UNITY_BUILD themselves.
function(halftone_unite_all folder)
  get_property(targets DIRECTORY "${folder}" PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target ${targets})
    get_target_property(type ${target} TYPE)
    get_target_property(chosen ${target} UNITY_BUILD)
    if(type MATCHES "^(EXECUTABLE|(STATIC|SHARED|MODULE|OBJECT)_LIBRARY)$" AND chosen STREQUAL "chosen-NOTFOUND")
      halftone_unite(${target})
    endif()
  endforeach()
  get_property(below DIRECTORY "${folder}" PROPERTY SUBDIRECTORIES)
  foreach(folder ${below})
    halftone_unite_all("${folder}")
  endforeach()
endfunction()
