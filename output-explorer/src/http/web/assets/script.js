// Keeps parts of a page fresh, and moves pictures across the gap. Everything else is HTML.
"use strict";

const main = document.getElementById("content");
const status = document.getElementById("live");

// Parts that are marked with data-live are fetched again, from the same address, after something happened.
let refreshing = false;
let again = false;

async function refresh() {
    if (refreshing) {
        again = true;
        return;
    }
    refreshing = true;
    try {
        const answer = await fetch(location.href, { headers: { "x-by-itself": "1" } });
        if (answer.redirected) {
            // The session is over.
            location.reload();
            return;
        }
        if (answer.ok) {
            replace(new DOMParser().parseFromString(await answer.text(), "text/html"));
        }
    } catch {
        // The stream tells that nobody answers.
    }
    refreshing = false;
    if (again) {
        again = false;
        setTimeout(refresh, 500);
    }
}

function replace(fresh) {
    for (const old of main.querySelectorAll("[data-live]")) {
        const part = fresh.querySelector(`[data-live="${old.dataset.live}"]`);
        // Whoever is at work in a part is not disturbed: who types, has filled something in, or has opened something.
        const isFilled = [...old.querySelectorAll("input, textarea")].some((it) => it.value !== it.defaultValue);
        const isBusy = isFilled || old.contains(document.activeElement) || old.querySelector("details[open]");
        if (part && !isBusy && part.innerHTML !== old.innerHTML) {
            old.innerHTML = part.innerHTML;
            begin(old);
        }
    }
}

if (status && main.querySelector("[data-live]")) {
    const stream = new EventSource("/v1/events/stream");
    let timer;
    stream.onopen = () => {
        status.textContent = "Live.";
        refresh();
    };
    stream.onerror = () => {
        status.textContent = "Not live: the explorer does not answer. Trying again.";
    };
    const heard = () => {
        clearTimeout(timer);
        timer = setTimeout(refresh, 250);
    };
    for (const kind of status.dataset.types.split(" ")) {
        stream.addEventListener(kind, heard);
    }
    // Blocks that do nothing for us are no events, and webhooks are delivered without one.
    setInterval(refresh, 10000);
}

// The request as pictures, one after another, as long as they are looked at.
function frames(details) {
    const place = details.querySelector(".moving");
    const words = details.querySelector("[data-frame-number]");
    let number = 0;
    let next;
    const show = async () => {
        if (!details.open || !details.isConnected) {
            return;
        }
        const begun = performance.now();
        number += 1;
        try {
            const answer = await fetch(details.dataset.frames + number, { headers: { "x-by-itself": "1" } });
            if (answer.ok && !answer.redirected) {
                const picture = new DOMParser().parseFromString(await answer.text(), "image/svg+xml");
                place.replaceChildren(document.importNode(picture.documentElement, true));
                const all = answer.headers.get("x-fragments");
                words.textContent = `Picture ${number}; about ${all} of them are needed, any of them.`;
            } else {
                words.textContent = "There is no request to show any more: load the page again.";
                return;
            }
        } catch {
            words.textContent = "The explorer does not answer. Trying again.";
        }
        next = setTimeout(show, Math.max(0, 200 - (performance.now() - begun)));
    };
    details.addEventListener("toggle", () => {
        clearTimeout(next);
        show();
    });
}

// The response by camera: what it sees is sent as brightness, and read by the explorer.
function camera(details) {
    const video = details.querySelector("video");
    const words = details.querySelector("[data-scan]");
    let stream;
    const stop = () => {
        for (const track of stream ? stream.getTracks() : []) {
            track.stop();
        }
        stream = undefined;
    };
    const look = async (canvas, first) => {
        if (!details.open || !stream) {
            stop();
            return;
        }
        const scale = Math.min(1, 960 / Math.max(video.videoWidth, video.videoHeight, 1));
        const width = Math.floor(video.videoWidth * scale);
        const height = Math.floor(video.videoHeight * scale);
        if (width > 0 && height > 0) {
            canvas.width = width;
            canvas.height = height;
            const context = canvas.getContext("2d", { willReadFrequently: true });
            context.drawImage(video, 0, 0, width, height);
            const colors = context.getImageData(0, 0, width, height).data;
            const gray = new Uint8Array(width * height);
            for (let place = 0; place < gray.length; place += 1) {
                const [red, green, blue] = [colors[place * 4], colors[place * 4 + 1], colors[place * 4 + 2]];
                gray[place] = (red * 77 + green * 150 + blue * 29) >> 8;
            }
            try {
                const answer = await fetch(`${details.dataset.camera}?width=${width}&height=${height}&first=${first}`, {
                    method: "POST",
                    headers: { "x-csrf": details.dataset.csrf, "content-type": "application/octet-stream" },
                    body: gray,
                });
                const said = await answer.json();
                words.textContent = said.text || said.detail;
                if (said.next) {
                    stop();
                    location.assign(said.next);
                    return;
                }
                if (!answer.ok) {
                    stop();
                    return;
                }
                first = false;
            } catch {
                words.textContent = "The explorer does not answer. Trying again.";
            }
        }
        setTimeout(look, 100, canvas, first);
    };
    details.addEventListener("toggle", async () => {
        if (!details.open) {
            stop();
            return;
        }
        if (!navigator.mediaDevices) {
            words.textContent = "This browser gives its camera to encrypted pages only (https), or to localhost.";
            return;
        }
        try {
            const wanted = { facingMode: "environment", width: { ideal: 1280 } };
            stream = await navigator.mediaDevices.getUserMedia({ video: wanted });
            video.srcObject = stream;
            await video.play();
            look(document.createElement("canvas"), true);
        } catch (error) {
            words.textContent = `The camera cannot be used: ${error.message}`;
        }
    });
}

function begin(part) {
    part.querySelectorAll("[data-frames]").forEach(frames);
    part.querySelectorAll("[data-camera]").forEach(camera);
    for (const file of part.querySelectorAll("[data-into]")) {
        file.addEventListener("change", async () => {
            if (file.files.length > 0) {
                document.getElementById(file.dataset.into).value = await file.files[0].text();
            }
        });
    }
    for (const button of part.querySelectorAll("[data-copy]")) {
        button.addEventListener("click", async () => {
            await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
            button.textContent = "Copied";
        });
    }
    for (const form of part.querySelectorAll("[data-export]")) {
        form.addEventListener("submit", () => {
            form.action = `/v1/exports/${form.elements.what.value}`;
            // It names the path, and is no parameter.
            form.elements.what.disabled = true;
            setTimeout(() => { form.elements.what.disabled = false; }, 0);
        });
    }
}

if (main) {
    begin(main);
}
