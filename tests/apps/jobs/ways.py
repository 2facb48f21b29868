"""Ways to do a job in the app: by mouse or finger, or by keyboard alone; on a desktop or a phone; in light or dark.

A `Worker` has the same methods whatever the way, so that a test tells a job once. With the keyboard every control is
reached by pressing Tab, as somebody without a mouse must, and has to show that it has the focus.
"""

import itertools
import json
from dataclasses import dataclass

from browser_visit import Visit

HANDS, SCHEMES = ("mouse", "keyboard"), ("light", "dark")
LONG = 180_000
TABS = 200  # more than any page has stops
STEPS = 60  # of the arrow keys, in a list or a group
FOCUSED = """element => {
    let active = document.activeElement;
    while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
    return active === element;
}"""
LOOKS = """element => {
    const near = [element, ...element.querySelectorAll('*')];
    for (let place = element, up = 0; place && up < 4; place = place.parentElement, up++) near.push(place);
    near.push(...(element.closest('label')?.querySelectorAll('*') ?? []));
    if (element.matches('[type=range], [type=checkbox], [type=radio]')) near.push(...element.parentElement.children);
    return JSON.stringify(near.map(one => {
        const style = getComputedStyle(one);
        const outline = style.outlineStyle === 'none' ? '' : style.outline;
        return [outline, style.boxShadow, style.borderColor, style.backgroundColor, style.strokeWidth, style.stroke];
    }));
}"""


@dataclass(frozen=True, slots=True)
class Way:
    """How a job is done."""

    hand: str
    width: str
    scheme: str

    def __str__(self):
        return f"{self.hand}-{self.width}-{self.scheme}"


EVERY_WAY = [Way(*parts) for parts in itertools.product(HANDS, ("desktop", "phone"), SCHEMES)]
TWO_WAYS = [Way("mouse", "desktop", "light"), Way("keyboard", "phone", "dark")]  # every value once


class Worker(Visit):
    """Somebody who does a job in one way, in a tab of their own.

    Attributes:
        way: how.
        main: the page without its navigation.
    """

    def __init__(self, browser, way: Way, address: str):
        super().__init__(browser, width=way.width, scheme=way.scheme, has_touch=way.width == "phone")
        self.way, self.address = way, address
        self.pointed = []
        self.page.expose_function("tradefairPointed", lambda tag: self.pointed.append(tag))
        note = "event => event.isTrusted && tradefairPointed(event.target.tagName)"
        self.page.add_init_script(f"addEventListener('pointerdown', {note}, true)")
        self.main = self.page.locator("[data-testid=stMain]")

    @property
    def keyboard(self):
        return self.way.hand == "keyboard"

    # What is done

    def visit(self, path):
        """Open a page by its address, below the app's own."""
        self.open(f"{self.address}{path}")
        return self

    def press(self, name, *, exact=True, within=None):
        """Press a button, once it is there."""
        self.use((within or self.main).get_by_role("button", name=name, exact=exact).first)

    def follow(self, name, *, within=None):
        """Follow a link."""
        self.use((within or self.main).get_by_role("link", name=name).first)

    def unfold(self, title):
        """Open an expander, where it is closed."""
        summary = self.main.locator("summary").filter(has_text=title).first
        summary.wait_for(timeout=LONG)
        if not summary.evaluate("one => one.parentElement.open"):
            self.use(summary)

    def tick(self, label):
        """Turn a checkbox or a toggle on, or off again."""
        box = self.main.get_by_role("checkbox", name=label)
        box.wait_for(state="attached", timeout=LONG)
        if self.keyboard:
            self.tab_to(box)
            self.keys("Space")
        else:
            self._point(box.locator("xpath=ancestor::label"))  # which draws the box
        self.rest()

    def pick(self, name, *, group=None):
        """Pick one of the options that stand side by side, those of a named group where the name stands in several."""
        where = self.main.get_by_role("radiogroup", name=group) if group else self.main
        radio = where.get_by_role("radio", name=name, exact=True).first
        radio.wait_for(state="attached", timeout=LONG)
        if not self.keyboard:
            label = radio.locator("xpath=ancestor::label")
            self._point(label if label.count() else radio)  # some radios are hidden behind their labels
        else:
            self._enter_group(radio)
            for _ in range(STEPS):
                if radio.evaluate(FOCUSED):
                    break
                self.keys("ArrowRight")
            else:
                raise AssertionError(f"arrow keys do not lead to the option {name}")
            if not self._is_picked(radio):
                self.keys("Space")
        self.rest()
        assert self._is_picked(radio), f"{name} is not picked"

    def choose(self, label, option):
        """Choose an option of a list that unfolds; what is typed narrows it."""
        box = self.main.get_by_role("combobox", name=label, exact=True)
        box.wait_for(timeout=LONG)
        options = self.page.get_by_role("option")
        wanted = self.page.get_by_role("option", name=option, exact=True)
        if not self.keyboard:
            self._point(box)
            options.first.wait_for(timeout=LONG)
            if not wanted.count():  # a long list shows its beginning
                self.page.keyboard.type(option)
            self._point(wanted)
        else:
            self.tab_to(box)
            self.keys("Control+a")
            self.page.keyboard.type(option)
            wanted.wait_for(timeout=LONG)
            # The list does not go round, and may mark its first option only a moment after it opened.
            for key in ("ArrowDown",) * STEPS + ("ArrowUp",) * STEPS:
                active = box.get_attribute("aria-activedescendant")
                if active and self.page.locator(f'[id="{active}"]').inner_text() == wanted.inner_text():
                    break
                self.keys(key)
            else:
                raise AssertionError(f"arrow keys do not lead to the option {option}")
            self.keys("Enter")
        self.rest()

    def fill(self, label, text, *, within=None):
        """Write into a field instead of what stands there, and say that this is all."""
        place = within or self.main
        box = place.get_by_role("textbox", name=label, exact=True)
        box = box.or_(place.get_by_role("spinbutton", name=label, exact=True)).first
        box.wait_for(timeout=LONG)
        if self.keyboard:
            self.tab_to(box)
        else:
            self._point(box)
        self.keys("Control+a")
        self.page.keyboard.insert_text(str(text)) if "\n" in str(text) else self.page.keyboard.type(str(text))
        self.keys("Control+Enter" if box.evaluate("one => one.tagName") == "TEXTAREA" else "Enter")
        self.rest()

    def download(self, name, *, exact=True):
        """Press a button that gives a file; return where it lies and what the file is called."""
        self.main.get_by_role("button", name=name, exact=exact).first.wait_for(timeout=LONG)
        with self.page.expect_download(timeout=LONG) as given:
            self.press(name, exact=exact)
        return given.value.path(), given.value.suggested_filename

    def send(self, *files, label=None):
        """Give files to an uploader, through the window that its button opens.

        Args:
            files: paths, or (name, type, content) of a file that lies nowhere.
            label: of the uploader, where a page has several.
        """
        sent = [
            one if not isinstance(one, tuple) else dict(zip(("name", "mimeType", "buffer"), one, strict=True))
            for one in files
        ]
        place = self.main.locator("[data-testid=stFileUploader]")
        place = place.filter(has_text=label) if label else place
        button = place.first.get_by_test_id("stFileUploaderDropzone").locator("button").first  # beside a hidden field
        button.wait_for(timeout=LONG)
        with self.page.expect_file_chooser(timeout=LONG) as asked:
            self.use(button)
        asked.value.set_files(sent)
        self.rest()

    def go(self, section, page):
        """Go to another page through the navigation: above the page, or behind its button on a phone."""
        if self.way.width == "phone":
            opens = self.page.get_by_test_id("stExpandSidebarButton")
            opens.wait_for(timeout=LONG)
            self.use(opens)
            side = self.page.get_by_test_id("stSidebar")
            self.use(side.get_by_role("link", name=page, exact=True))
            if side.get_attribute("data-collapsed") == "false":  # it would hide the page
                self.use(self.page.get_by_test_id("stSidebarCollapseButton").get_by_role("button"))
        else:
            self.use(self.page.get_by_role("button", name=section, exact=True))
            item = self.page.get_by_role("menuitem", name=page, exact=True)
            item.wait_for(timeout=LONG)
            if self.keyboard:
                for _ in range(STEPS):
                    if item.evaluate(FOCUSED):
                        break
                    self.keys("ArrowDown")
                self.keys("Enter")
            else:
                self._point(item)
        self.settle()

    # What is seen

    def see(self, text, *, timeout=LONG):
        """Wait until a text stands on the page; return where."""
        found = self.main.get_by_text(text).locator("visible=true").first
        found.wait_for(timeout=timeout)
        return found

    def heading(self, text, *, timeout=LONG):
        """Wait for a heading that holds a text; return all its words."""
        found = self.main.get_by_role("heading", name=text).first
        found.wait_for(timeout=timeout)
        return found.inner_text()

    def look(self, name):
        """Keep a picture of a step, and hold the page to what every page keeps."""
        self.settle()
        self.picture(f"job-{name}-{self.way}")
        assert self.overflow() <= 0, f"{name}: the page is wider than its window"
        assert self.page.locator("[data-testid=stException]").count() == 0

    def end(self, name):
        """Keep a picture of the end, and see that nobody else was asked, nothing complained, and no mouse helped."""
        self.look(name)
        host = self.address.removeprefix("http://")
        asked = [url for url in self.requests if f"//{host}/" not in url and not url.startswith(("data:", "blob:"))]
        assert self.requests
        assert asked == []
        assert self.complaints == []
        assert bool(self.pointed) != self.keyboard, self.pointed
        self.context.close()

    # What hands do

    def use(self, control):
        """Press what has one meaning: a button, a link, a title that unfolds."""
        control.wait_for(timeout=LONG)
        if self.keyboard:
            self.tab_to(control)
            self.keys("Enter")
        else:
            self._point(control)
        self.rest()

    def tab_to(self, control):
        """Press Tab until a control has the focus, and see that it shows it."""
        if control.evaluate(FOCUSED):
            return
        before = control.evaluate(LOOKS)
        for _ in range(TABS):
            self.keys("Tab")
            if control.evaluate(FOCUSED):
                break
        else:
            raise AssertionError(f"Tab does not lead to {control}")
        self._shows_focus(control, before)

    def keys(self, *names):
        """Press keys, one after another."""
        for name in names:
            self.page.keyboard.press(name)

    def rest(self):
        """Wait until the script that a deed started has ended."""
        self.page.wait_for_timeout(250)
        self.page.wait_for_function("!document.querySelector('[data-test-script-state=running]')", timeout=LONG)

    def _point(self, control):
        if self.way.width == "phone":
            control.tap(timeout=LONG)
        else:
            control.click(timeout=LONG)

    def _enter_group(self, radio):
        """Press Tab until one of the options of a group has the focus."""
        group = radio.locator("xpath=ancestor::*[@role='radiogroup'][1]")
        inside = f"group => [...group.querySelectorAll('*')].some({FOCUSED})"
        if group.evaluate(inside):
            return
        before = group.evaluate(LOOKS)
        for _ in range(TABS):
            self.keys("Tab")
            if group.evaluate(inside):
                break
        else:
            raise AssertionError(f"Tab does not lead to the group of {radio}")
        self._shows_focus(group, before)

    def _shows_focus(self, control, before):
        for _ in range(20):  # a ring may come in slowly
            if control.evaluate(LOOKS) != before:
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"{control} looks the same with the focus as without: {json.loads(before)[0]}")

    @staticmethod
    def _is_picked(radio):
        return radio.evaluate("one => one.checked || one.getAttribute('aria-checked') === 'true'")
