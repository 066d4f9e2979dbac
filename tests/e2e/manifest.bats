#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hull manifest: lists of images for several platforms, in a registry on loopback.

load lib
load registry

setup() { hull_setup && net_up && registry_up; }
teardown() { hull_teardown; }

# Images for two platforms, in repositories of their own.
two_images() {
	put_image --index amd64 "$1/amd" v1 >/dev/null
	put_image --index arm64 "$1/arm" v1 >/dev/null
	amd=$REGISTRY/$1/amd@$(hull manifest inspect "$REGISTRY/$1/amd:v1" | jq -r '.manifests[0].digest')
	arm=$REGISTRY/$1/arm@$(hull manifest inspect "$REGISTRY/$1/arm:v1" | jq -r '.manifests[0].digest')
}

@test "MA1 a list is made, annotated, pushed, and each machine pulls its own image" {
	two_images some
	list=$REGISTRY/some/list:v1
	run -0 hull manifest create "$list" "$amd" "$arm"
	assert_equal "Created manifest list $list" "$output"
	hull manifest annotate "$list" "$arm" --variant v8 --os-features one --os-features two
	assert_equal 'linux/amd64/ linux/arm64/v8' "$(hull manifest inspect "$list" |
		jq -r '[.manifests[].platform | .os + "/" + .architecture + "/" + .variant] | join(" ")')"
	assert_equal '["one","two"]' "$(hull manifest inspect "$list" | jq -c '.manifests[1].platform."os.features"')"
	run -0 hull manifest push "$list"
	digest=$output
	assert_equal "$digest" "sha256:$(hull manifest inspect "$REGISTRY/some/list@$digest" >/dev/null && echo "${digest#sha256:}")"
	hull manifest rm "$list"
	# What the registry has is what was here.
	assert_equal application/vnd.oci.image.index.v1+json "$(hull manifest inspect "$list" | jq -r .mediaType)"
	for arch in amd64 arm64; do
		hull pull -q --platform "linux/$arch" "$list"
		assert_equal "$arch" "$(hull image inspect -f '{{.Architecture}}' "$list")"
	done
}

@test "MA2 what is there already is not changed without --amend; rm, --purge, and what is not there" {
	two_images more
	list=$REGISTRY/more/list
	hull manifest create "$list" "$amd"
	run -1 hull manifest create "$list" "$arm"
	assert_has "refusing to amend an existing manifest list: $list:latest"
	hull manifest create --amend "$list" "$arm"
	hull manifest create --amend "$list" "$arm"
	assert_equal 2 "$(hull manifest inspect "$list" | jq '.manifests | length')"
	run -0 hull manifest inspect "$list" "$arm"
	assert_equal "$(hull manifest inspect "$arm")" "$output"
	hull manifest push --purge "$list"
	run -1 hull manifest push "$list"
	assert_has "No such manifest: $list:latest"
	run -1 hull manifest rm "$list"
	assert_has "No such manifest: $list:latest"
	run -1 hull manifest annotate "$list" "$arm" --os linux
	assert_has "No such manifest"
	hull manifest create "$list" "$amd"
	run -1 hull manifest annotate "$list" "$arm" --os linux
	assert_has "manifest for image $arm does not exist in $list:latest"
	run -1 hull manifest create "$list-2" "$REGISTRY/more/amd:v1"
	assert_has "is a list of images itself"
	run -1 hull manifest create "$list-2" "$REGISTRY/more/none:v1"
	assert_has "$REGISTRY/more/none"
	run -1 hull manifest create "$list@sha256:$(printf '%064d' 1)" "$amd"
	assert_has "a list has a tag"
}

@test "MA3 an image alone, and --verbose; images of another registry are refused" {
	put_image --types docker --config-text x plain/one v1 >/dev/null
	run -0 hull manifest inspect -v "$REGISTRY/plain/one:v1"
	assert_equal "$REGISTRY/plain/one:v1 linux" "$(jq -r '.Ref + " " + .Descriptor.platform.os' <<<"$output")"
	assert_equal 2 "$(jq .SchemaV2Manifest.schemaVersion <<<"$output")"
	digest=$(jq -r .Descriptor.digest <<<"$output")
	assert_equal "$digest" "sha256:$(jq -r .Raw <<<"$output" | base64 -d | sha256sum | cut -d ' ' -f 1)"
	put_image --index amd64,arm64 both/x v1 >/dev/null
	run -0 hull manifest inspect -v "$REGISTRY/both/x:v1"
	assert_equal "amd64 arm64" "$(jq -r '[.[].Descriptor.platform.architecture] | join(" ")' <<<"$output")"
	assert_equal 2 "$(jq '[.[].OCIManifest.layers] | length' <<<"$output")"
	# Old readers know docker's type only.
	hull manifest create "$REGISTRY/plain/list" "$REGISTRY/plain/one:v1"
	assert_equal application/vnd.docker.distribution.manifest.list.v2+json \
		"$(hull manifest inspect "$REGISTRY/plain/list" | jq -r .mediaType)"
	run -0 hull manifest inspect -v "$REGISTRY/plain/list"
	assert_equal 1 "$(jq length <<<"$output")"
	hull manifest create "127.0.0.1:1/other/list" "$REGISTRY/plain/one:v1"
	run -1 hull manifest push "127.0.0.1:1/other/list"
	assert_has "cannot use source images from a different registry than the target image: $REGISTRY != 127.0.0.1:1"
}

@test "MA4 --platform: only what is for it is shown, pushed, removed; images --tree" {
	put_image --index amd64,arm64 both/x v1 >/dev/null
	name=$REGISTRY/both/x:v1
	hull pull -q --platform linux/arm64 "$name"
	for command in "image inspect" history push rmi; do
		run -1 hull $command --platform linux/amd64 "$name"
		assert_has "does not provide the specified platform (linux/amd64)"
	done
	run -0 hull images --tree both/x
	run -0 hull images --tree "$name"
	assert_line '^IMAGE +ID +DISK USAGE$'
	assert_line "^$name +[0-9a-f]{12} +"
	assert_line '^└─ linux/arm64 +[0-9a-f]{12} +'
	for command in "image inspect" history push rmi; do
		hull $command --platform linux/arm64 "$name"
	done
	run -1 hull image inspect "$name"
}
