#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# container prune, image prune, system prune. volume prune is in volumes.bats, network prune in network.bats.

load lib

setup() { hull_setup; }
teardown() { hull_teardown; }

names() { hull ps -a --format '{{.Names}}' | sort | xargs; }
images() { hull images --format '{{.Repository}}' | sort | xargs; }

@test "container prune: what has ended goes, with its space; what runs or is paused stays" {
	hull run -d --name up test sleep 600
	hull run -d --name paused test sleep 600
	hull pause paused
	hull run --name ended test sh -c 'dd if=/dev/zero of=/big bs=1k count=100 2>/dev/null'
	hull create --name made --label keep=1 test true
	run hull container prune <<<n
	assert_equal "ended made paused up" "$(names)"
	run hull container prune --filter label!=keep <<<y
	assert_has "This will remove all stopped containers"
	assert_has "Total reclaimed space: 102"
	assert_has "Deleted Containers:"
	assert_equal "made paused up" "$(names)"
	hull container prune -f --filter until=10h
	assert_equal "made paused up" "$(names)"
	hull container prune -f
	assert_equal "paused up" "$(names)"
	hull unpause paused
	run hull container prune -f --filter nonsense=1
	assert_status 1
	assert_has "invalid filter 'nonsense=1'"
}

@test "image prune: those without a name, or all that nothing uses" {
	echo 1 >one && echo 2 >two
	tar -cf - one | hull import - used
	tar -cf - two | hull import - unused
	hull tag unused second
	tar -cf - one two | hull import -
	hull create --name cc used /one
	run hull image prune -f
	assert_has "Deleted Images:"
	assert_has "Total reclaimed space"
	assert_equal "second test unused used" "$(images)"
	run hull image prune -f
	assert_equal "Total reclaimed space: 0B" "$output"
	hull image prune -fa --filter label=none
	run hull image prune -a <<<y
	assert_has "all images without at least one container associated"
	assert_has "untagged: second:latest"
	assert_has "untagged: unused:latest"
	assert_equal "used" "$(images)"
	hull system check
}

@test "system prune: containers, images, and volumes if they are asked for" {
	echo 1 >one
	tar -cf - one | hull import -
	hull run --name cc -v named:/n -v /anonymous test true
	run hull system prune <<<y
	assert_has "all stopped containers"
	assert_has "all dangling images"
	assert_equal " test" "$(names) $(images)"
	assert_equal 2 "$(hull volume ls -q | wc -l)"
	hull system prune -f --volumes
	assert_equal named "$(hull volume ls -q)"
	hull system prune -fa
	assert_equal "" "$(images)"
	run hull system prune -f --volumes --filter until=1h
	assert_status 1
	hull volume rm named
	hull system check
}

@test "system prune --filter: until and label hold for all that it removes" {
	echo 1 >one
	plain=$(tar -cf - one | hull import - | cut -d: -f2)
	labelled=$(tar -cf - one | hull import -c 'LABEL a=1' - | cut -d: -f2)
	dangling() { hull images -q --no-trunc --filter dangling=true | cut -d: -f2 | sort; }
	hull create --name with --label a=1 test true
	hull create --name without test true
	volume=$(hull volume create --label a=1)
	other=$(hull volume create)
	everything=$(names; dangling; hull volume ls -q)
	hull system prune -f --filter until=1h
	assert_equal "$everything" "$(names; dangling; hull volume ls -q)"
	hull system prune -f --volumes --filter label=a=1
	assert_equal "without" "$(names)"
	assert_equal "$plain" "$(dangling)"
	assert_equal "$other" "$(hull volume ls -q)"
	[ "$labelled" != "$plain" ]
	[ "$volume" != "$other" ]
	hull system prune -f --volumes --filter label!=b
	assert_equal "" "$(names)$(dangling)$(hull volume ls -q)"
	assert_equal test "$(images)"
}

@test "image prune --filter: a label that matches, by name and by value, one that must not be there, and the time" {
	echo 1 >one
	make() { tar -cf - one | hull import "${@:2}" - "$1"; }
	make plain
	make red -c 'LABEL colour=red'
	make blue -c 'LABEL colour=blue'
	hull create --name user --label colour=red red /one
	hull image prune -fa --filter until=1h
	assert_equal "blue plain red test" "$(images)"
	# Used, or of another value: neither goes.
	hull image prune -fa --filter label=colour=red
	assert_equal "blue plain red test" "$(images)"
	hull rm user
	hull image prune -fa --filter label=colour=red
	assert_equal "blue plain test" "$(images)"
	make red -c 'LABEL colour=red'
	hull image prune -fa --filter label!=colour=blue --filter until=1h
	hull image prune -fa --filter label!=colour
	assert_equal "blue red" "$(images)"
	hull image prune -fa --filter label!=colour=blue
	assert_equal blue "$(images)"
	# Two that must both hold; then each made before now. The clock's next second has come.
	hull image prune -fa --filter label=colour --filter label=other
	assert_equal blue "$(images)"
	wait_for 10 eval 'hull image prune -fa --filter label=colour --filter until="$(date +%s)" && [ -z "$(images)" ]'
	run -1 hull image prune -f --filter nonsense=1
	assert_has "invalid filter 'nonsense=1'"
	run -1 hull image prune -f --filter until=nonsense
	hull system check
}

@test "prune --filter: what is neither yes nor no is not taken for one of them" {
	hull tag test unused
	run -1 hull image prune -f --filter dangling=yes
	assert_has "invalid filter 'dangling=[yes]'"
	assert_equal "test unused" "$(images)"
	hull volume create named
	run -1 hull volume prune -f --filter all=maybe
	assert_has "invalid filter 'all=[maybe]'"
	assert_equal named "$(hull volume ls -q)"
}

@test "container prune --filter: a label that matches, by name and by value, and the time" {
	hull create --name plain test true
	hull create --name red --label colour=red test true
	hull create --name blue --label colour=blue --label other test true
	hull container prune -f --filter label=none
	assert_equal "blue plain red" "$(names)"
	hull container prune -f --filter label=colour=red
	assert_equal "blue plain" "$(names)"
	hull container prune -f --filter label!=colour=blue --filter label=colour
	assert_equal "blue plain" "$(names)"
	hull container prune -f --filter label=colour --filter until=1h
	assert_equal "blue plain" "$(names)"
	wait_for 10 eval 'hull container prune -f --filter label=other --filter until="$(date +%s)" && [ "$(names)" = plain ]'
	hull container prune -f --filter label!=colour
	assert_equal "" "$(names)"
}
