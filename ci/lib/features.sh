# The features that a build on this machine can have all at once; gates source it from the root of
# the tree. `loom` and `shuttle` are none of them: they come with a cfg, under which nothing else runs.
# Nor is `pointer_width_64`: archives have another format with it, which `ci/formats.sh` is about.

features() {
    sed -n '/^\[features\]/,/^\[dep/s/^\([a-z0-9_-]*\) = .*/\1/p' Cargo.toml |
        grep -vxE 'default|loom|shuttle|pointer_width_64'
}

# The same, as an argument of cargo. The name of the package makes it fit a whole workspace.
all_features() {
    features | sed 's:^:message-port/:' | paste -sd,
}
