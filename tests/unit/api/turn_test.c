/* SPDX-License-Identifier: Apache-2.0 */
/* Turns: in the order of coming, and of whoever is killed nothing stays. */
#include "unit.h"

#include <poll.h>
#include <sys/mman.h>

#include "api/turn.h"

enum { PLACES = 12, TURNS = 4 };

static struct turns turns;
static int told[2]; /* each tells its place when it has its turn */
static pid_t pids[PLACES];

/* At @place: a process that takes its turn, and holds it. */
static void come(size_t place)
{
	pids[place] = fork();
	assert_true(pids[place] >= 0);
	if (pids[place])
		return;
	const char own = (char)place;
	turn_begin(&turns, place);
	if (write(told[1], &own, 1) == 1)
		pause();
	_exit(0);
}

static void await_place(size_t place)
{
	while (!__atomic_load_n(&turns.places[place], __ATOMIC_SEQ_CST))
		poll(NULL, 0, 1);
}

static int next(void)
{
	char place;
	return read(told[0], &place, 1) == 1 ? place : -1;
}

static bool nobody_comes(void)
{
	return poll(&(struct pollfd){told[0], POLLIN, 0}, 1, 50) == 0;
}

/* As the listener does it. */
static void lose(size_t place)
{
	kill(pids[place], SIGKILL);
	waitpid(pids[place], NULL, 0);
	turn_end(&turns, place);
	pids[place] = 0;
}

static int setup(void **state)
{
	return turns_open(&turns, PLACES) == 0 && pipe(told) == 0 ? 0 : -1;
}

static void in_the_order_of_coming(void **state)
{
	static const size_t order[] = {7, 1, 11, 4, 9, 0, 5, 10};
	bool seen[PLACES] = {0};
	size_t count = sizeof(order) / sizeof(order[0]);
	for (size_t i = 0; i < count; i++) {
		come(order[i]);
		await_place(order[i]);
	}
	for (size_t i = 0; i < TURNS; i++) /* these did not wait, and tell it when they can */
		seen[next()] = true;
	for (size_t i = 0; i < TURNS; i++)
		assert_true(seen[order[i]]);
	assert_true(nobody_comes());
	lose(order[TURNS + 1]); /* one that waits is nobody's concern */
	assert_true(nobody_comes());
	lose(order[2]);
	assert_int_equal(next(), order[TURNS]);
	come(3);
	await_place(3);
	lose(order[0]);
	assert_int_equal(next(), order[TURNS + 2]);
	turn_end(&turns, order[1]); /* that one's own, as far as the table knows */
	assert_int_equal(next(), order[TURNS + 3]);
	lose(order[TURNS]);
	assert_int_equal(next(), 3);
	for (size_t i = 0; i < PLACES; i++)
		if (pids[i] > 0)
			lose(i);
	for (size_t i = 0; i < PLACES; i++)
		assert_int_equal(turns.places[i], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup(in_the_order_of_coming, setup)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
