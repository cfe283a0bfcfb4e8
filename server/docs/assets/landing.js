// Shows the buttons that copy a command: they need JavaScript and a clipboard.
"use strict";

for (const button of navigator.clipboard ? document.querySelectorAll(".copy") : []) {
	button.hidden = false;
	button.addEventListener("click", async () => {
		const text = button.parentElement.querySelector("code").textContent;
		await navigator.clipboard.writeText(text);
		button.textContent = "Copied";
		setTimeout(() => { button.textContent = "Copy"; }, 2000);
	});
}
