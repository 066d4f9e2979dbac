/* SPDX-License-Identifier: Apache-2.0 */
/* page.html as it stands, with a NUL behind it. */
#ifdef __CET__
#include <cet.h>
#endif
	.section .rodata
	.global page_html
page_html:
	.incbin PAGE_HTML
	.byte 0
	.section .note.GNU-stack, "", %progbits
