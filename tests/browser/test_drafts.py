"""Words are never lost and never said twice: drafts through everything that happens to a page, and what waits to be sent."""

import asyncio
import json
import re

import pytest
from playwright.async_api import Route, expect

from tests.browser.newsroom import Json, Newsroom
from tests.browser.window import Window, again, kept, ready, said
from tests.support.browser import Pages

POST = re.compile(r"/api/articles/\d+/comments$")


@pytest.fixture
async def article(newsroom: Newsroom) -> Json:
    made = await newsroom.article()
    return made


async def test_drafts_of_every_place_are_there_after_a_reload(pages: Pages, newsroom: Newsroom, article: Json) -> None:
    theirs = await newsroom.say(article, "A question.")
    window = await Window.open(pages, newsroom.link(article))
    mine = await window.post("Mine, with a mistake.")
    await window.composer.locator("textarea").fill("Something new.")
    await window.button(theirs, "reply").click()
    await window.form(theirs).locator("textarea").fill("Half an answer.")
    await window.button(mine, "edit").click()
    await expect(window.form(mine).locator("textarea")).to_have_value("Mine, with a mistake.")
    await window.form(mine).locator("textarea").fill("Mine, without one.")
    await kept(window, "Mine, without one.")
    await again(window)
    await expect(window.composer.locator("textarea")).to_have_value("Something new.")
    await expect(window.form(theirs).locator("textarea")).to_have_value("Half an answer.")
    await expect(window.form(mine).locator("textarea")).to_have_value("Mine, without one.")
    await window.form(mine).locator("button[type=submit]").click()
    await expect(window.saying("Mine, without one.")).to_be_visible()
    await window.form(theirs).locator("button[type=submit]").click()
    await expect(window.saying("Half an answer.")).to_be_visible()
    await again(window)
    await expect(window.page.locator("article form")).to_have_count(0)
    await expect(window.composer.locator("textarea")).to_have_value("Something new.")


async def test_what_is_typed_before_the_composer_has_loaded_is_kept(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    window = await Window.open(pages, newsroom.link(article))
    await window.page.route(re.compile(r"/static/composer\.js"), lambda route: route.abort())
    await window.composer.locator("textarea").press_sequentially("Typed into the void.")
    await kept(window, "Typed into the void.")
    await window.page.unroute_all()
    await again(window)
    await expect(window.composer.locator("textarea")).to_have_value("Typed into the void.")
    await expect(window.composer.get_by_role("toolbar")).to_be_visible()


@pytest.mark.parametrize("late", [r"\.js", r"/composer\.js"], ids=["every script", "the composer"])
async def test_what_is_typed_before_the_script_is_there_joins_what_was_kept(
    pages: Pages, newsroom: Newsroom, article: Json, late: str
) -> None:
    window = await Window.open(pages, newsroom.link(article))
    await ready(window)
    area = window.composer.locator("textarea")
    await area.fill("Precious words.")
    await kept(window, "Precious words.")
    there = asyncio.Event()

    async def wait(route: Route) -> None:
        await there.wait()
        await route.continue_()

    await window.page.route(re.compile(late), wait)
    await window.page.reload(wait_until="commit")
    if "composer" in late:
        await window.until("live")
    await area.press_sequentially("Where is it?")
    if "composer" in late:
        await kept(window, "Where is it?")
    await kept(window, "Precious words.")
    there.set()
    await expect(area).to_have_value("Precious words.\n\nWhere is it?")
    await area.press_sequentially(" There.")
    await window.page.unroute_all()
    await again(window)
    await expect(area).to_have_value("Precious words.\n\nWhere is it? There.")


async def test_what_is_joined_after_the_button_was_pressed_is_shown_before_it_is_sent(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    window = await Window.open(pages, newsroom.link(article))
    await ready(window)
    await window.composer.locator("textarea").fill("An idea of yesterday.")
    await kept(window, "An idea of yesterday.")
    there = asyncio.Event()

    async def wait(route: Route) -> None:
        await there.wait()
        await route.continue_()

    await window.page.route(re.compile(r"/composer\.js"), wait)
    await again(window)
    await window.write("Yes.")
    there.set()
    await expect(window.composer.locator("textarea")).to_have_value("An idea of yesterday.\n\nYes.")
    await expect(window.composer.locator(".message")).to_have_text("This is what you had written here.")
    assert await newsroom.thread(article) == []
    await window.composer.locator("[type=submit]").click()
    await expect(window.saying("An idea of yesterday.")).to_contain_text("Yes.")


async def test_another_order_of_the_discussion_leaves_what_is_being_written_with_its_comment(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    first, *_ = [await newsroom.say(article, f"Number {n}.", f"Guest {n}") for n in range(30)]
    window = await Window.open(pages, newsroom.link(article))
    await window.button(first, "reply").click()
    await window.form(first).locator("textarea").fill("To the very first.")
    await window.page.get_by_role("link", name="Newest").click()
    await expect(window.saying("Number 29.")).to_be_visible()
    await window.page.get_by_role("link", name="More comments").click()
    await expect(window.saying("Number 1.")).to_be_visible()
    await expect(window.page.get_by_text("Removed by a moderator")).to_have_count(0)
    await expect(window.form(first).locator("textarea")).to_have_value("To the very first.")
    await expect(window.form(first).locator("button[type=submit]")).to_be_enabled()


async def test_a_draft_opens_with_the_page_that_brings_its_comment(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    *_, last = [await newsroom.say(article, f"Number {n}.", f"Guest {n}") for n in range(30)]
    window = await Window.open(pages, newsroom.link(article))
    more = window.page.get_by_role("link", name="More comments")
    await more.click()
    await window.button(last, "reply").click()
    await window.form(last).locator("textarea").fill("To the last.")
    await kept(window, "To the last.")
    await again(window)
    await more.click()
    await expect(window.form(last).locator("textarea")).to_have_value("To the last.")
    await window.write("To the last.", form=window.form(last))
    await expect(window.saying("To the last.")).to_be_visible()


async def test_what_waits_at_a_comment_that_is_not_on_the_page_is_said_and_led_to(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    *_, last = [await newsroom.say(article, f"Number {n}.", f"Guest {n}") for n in range(30)]
    window = await Window.open(pages, newsroom.link(article))
    mine = await window.post("Mine, with a mistake.")
    await window.page.get_by_role("link", name="More comments").click()
    await window.button(last, "reply").click()
    await window.form(last).locator("textarea").fill("To the last.")
    await window.button(mine, "edit").click()
    await expect(window.form(mine).locator("textarea")).to_have_value("Mine, with a mistake.")
    await window.form(mine).locator("textarea").fill("Mine, without one.")
    await kept(window, "Mine, without one.")
    await again(window)
    waiting, areas = window.page.locator('[data-ripost="go-on"]'), window.page.locator("article textarea")
    for opened, text in enumerate(("2 unfinished texts: go on writing", "1 unfinished text: go on writing"), 1):
        await expect(waiting).to_have_text(text)
        await expect(waiting).to_be_in_viewport()
        await waiting.click()
        await expect(areas).to_have_count(opened)
        await expect(window.page.locator("article textarea:focus")).to_be_in_viewport()
    await expect(waiting).to_have_count(0)
    await expect(window.form(last).locator("textarea")).to_have_value("To the last.")
    await expect(window.form(mine).locator("textarea")).to_have_value("Mine, without one.")


@pytest.mark.parametrize("act", ["reply", "edit"])
async def test_words_that_were_cancelled_come_back_with_the_next_press_and_can_be_thrown_away(
    pages: Pages, newsroom: Newsroom, article: Json, act: str
) -> None:
    window = await Window.open(pages, newsroom.link(article))
    comment = await window.post("Mine.")
    before = "" if act == "reply" else "Mine."
    form = window.form(comment)
    await window.button(comment, act).click()
    await expect(form.locator("textarea")).to_have_value(before)
    await form.get_by_role("button", name="Cancel").click()
    await window.button(comment, act).click()
    await expect(form.get_by_role("toolbar")).to_be_visible()
    await expect(form.locator(".message")).to_be_empty()
    await form.locator("textarea").fill("Hard to say.")
    await form.get_by_role("button", name="Cancel").click()
    await expect(window.button(comment, act)).to_be_focused()
    await again(window)
    await expect(window.button(comment, act)).to_be_visible()
    await ready(window)
    await expect(form).to_have_count(0)
    await window.button(comment, act).click()
    await expect(form.locator("textarea")).to_have_value("Hard to say.")
    await form.get_by_role("button", name="Discard").click()
    await expect(form.locator("textarea")).to_have_value(before)
    await expect(form.locator("textarea")).to_be_focused()
    assert "Hard to say." not in await window.page.evaluate("JSON.stringify({ ...localStorage })")


async def test_a_form_that_the_composer_does_not_know_becomes_no_comment(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    question = await newsroom.say(article, "A question?")
    window = await Window.open(pages, newsroom.link(article))
    await window.composer.locator("textarea").click()
    await expect(window.composer.get_by_role("toolbar")).to_be_visible()
    await window.composer.evaluate(
        """(form) => {
          const stray = form.cloneNode(true);
          stray.querySelector('textarea').value = 'Meant as an answer.';
          stray.querySelector('input').value = 'Ada';
          form.getRootNode().querySelector('.entry').append(stray);
          stray.requestSubmit();
        }"""
    )
    await window.post("After that.")
    assert len(await newsroom.thread(article)) == 2
    assert await said(newsroom, article, "Meant as an answer.") == 0
    await expect(window.form(question).locator("textarea")).to_have_value("Meant as an answer.")


async def test_the_forms_of_a_thread_that_has_ended_keep_no_drafts(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    question = await newsroom.say(article, "A question?")
    window = await Window.open(pages, newsroom.link(article))
    await window.button(question, "reply").click()
    old = await window.form(question).locator("textarea").element_handle()
    await window.page.locator("ripost-thread").evaluate("(one) => one.remove()")
    await old.evaluate(
        """(area) => {
          area.value = 'Nobody reads this.';
          area.dispatchEvent(new InputEvent('input', { bubbles: true }));
        }"""
    )
    assert "Nobody reads this." not in await window.page.evaluate("JSON.stringify({ ...localStorage })")


async def test_the_answer_to_a_removed_comment_becomes_a_comment_of_its_own(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    bad = await newsroom.say(article, "Buy my marmalade.", "Zeb")
    window = await Window.open(pages, newsroom.link(article))
    await window.button(bad, "reply").click()
    await window.form(bad).locator("textarea").fill("I would rather have honey.")
    await newsroom.decide(bad, "reject")
    await window.form(bad).get_by_role("button", name="Make it a comment of its own").click()
    await expect(window.composer.locator("textarea")).to_have_value("I would rather have honey.")
    await expect(window.composer.locator("textarea")).to_be_focused()
    await expect(window.comment(bad)).to_have_count(0)
    await window.write("I would rather have honey.")
    await expect(window.saying("rather have honey")).to_be_visible()


async def test_what_comes_into_a_form_that_shows_a_preview_is_seen_before_it_is_sent(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    bad = await newsroom.say(article, "Buy my marmalade.", "Zeb")
    window = await Window.open(pages, newsroom.link(article))
    await ready(window)
    area, preview = window.composer.locator("textarea"), window.composer.locator(".preview")
    await area.fill("Honey is **better**.")
    await window.composer.get_by_role("button", name="Preview").click()
    await expect(preview.locator("strong")).to_have_text("better")
    await window.button(bad, "reply").click()
    await window.form(bad).locator("textarea").fill("I would rather have honey.")
    await newsroom.decide(bad, "reject")
    await window.form(bad).get_by_role("button", name="Make it a comment of its own").click()
    await expect(preview).to_have_count(0)
    await expect(area).to_be_focused()
    await expect(area).to_have_value("Honey is **better**.\n\nI would rather have honey.")
    await window.composer.get_by_role("button", name="Preview").click()
    await expect(preview).to_contain_text("I would rather have honey.")
    await window.composer.get_by_role("button", name="Write", exact=True).blur()
    other = Window(await window.page.context.new_page())
    await other.page.goto(newsroom.link(article))
    await other.until("live")
    await ready(other)
    await other.composer.locator("textarea").fill("Something else.")
    await expect(preview).to_have_count(0)
    await expect(area).to_have_value("Something else.")


async def test_an_answer_is_not_mixed_with_a_comment_that_is_on_its_way(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    bad = await newsroom.say(article, "Buy my marmalade.", "Zeb")
    window = await Window.open(pages, newsroom.link(article))
    await window.page.route(POST, lambda route: route.abort())
    await window.write("Honey is better.")
    await expect(window.composer.locator(".message")).to_contain_text("Not sent yet")
    await window.button(bad, "reply").click()
    await window.form(bad).locator("textarea").fill("I would rather have honey.")
    await newsroom.decide(bad, "reject")
    await window.form(bad).get_by_role("button", name="Make it a comment of its own").click()
    await expect(window.composer.locator("textarea")).to_have_value("Honey is better.")
    await window.page.unroute_all()
    await window.page.evaluate("window.dispatchEvent(new Event('online'))")
    await expect(window.saying("Honey is better.")).to_have_count(1)
    await expect(window.composer.locator("textarea")).to_have_value("I would rather have honey.")
    await window.write("I would rather have honey.")
    await expect(window.saying("I would rather have honey.")).to_have_count(1)


async def test_what_is_written_to_a_comment_can_be_sent_when_the_comment_is_back(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    question = await newsroom.say(article, "A question?")
    window = await Window.open(pages, newsroom.link(article))
    mine = await window.post("Mine, with a mistake.")
    await window.button(question, "reply").click()
    await window.form(question).locator("textarea").fill("An answer.")
    await window.button(mine, "edit").click()
    await expect(window.form(mine).locator("textarea")).to_have_value("Mine, with a mistake.")
    await window.form(mine).locator("textarea").fill("Mine, without one.")
    for comment in (question, mine):
        send = window.form(comment).locator("[type=submit]")
        await newsroom.decide(comment, "reject")
        await expect(window.form(comment).locator(".message")).to_contain_text(re.compile("removed", re.IGNORECASE))
        await expect(send).to_be_disabled()
        await newsroom.decide(comment, "restore")
        await expect(window.form(comment).locator(".message")).to_be_empty()
        await send.click()
        await expect(window.form(comment)).to_have_count(0)
    await expect(window.saying("An answer.")).to_be_visible()
    await expect(window.entry(mine).locator(".body")).to_have_text("Mine, without one.")


async def test_an_answer_that_waits_to_be_sent_has_a_way_out_when_its_question_is_removed(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    question = await newsroom.say(article, "A question?")
    window = await Window.open(pages, newsroom.link(article))
    await window.page.route(POST, lambda route: route.abort())
    await window.button(question, "reply").click()
    form = window.form(question)
    move = form.get_by_role("button", name="Make it a comment of its own")
    await window.write("My answer.", form=form)
    await expect(form.locator(".message")).to_contain_text("Not sent yet")
    await newsroom.decide(question, "reject")
    await expect(move).to_be_visible()
    await window.page.unroute_all()
    async with window.page.expect_response(POST) as answer:
        await window.page.evaluate("window.dispatchEvent(new Event('online'))")
    assert (await answer.value).status == 409
    await expect(form).not_to_have_attribute("aria-busy", "true")
    await expect(form.locator(".message")).to_contain_text("was removed. Your text is kept.")
    await move.click()
    await expect(window.composer.locator("textarea")).to_have_value("My answer.")
    await window.composer.locator("[type=submit]").click()  # the name was given with the answer
    await expect(window.saying("My answer.")).to_be_visible()
    assert await said(newsroom, article, "My answer.") == 1


async def test_a_refusal_because_the_question_is_gone_says_so_though_nothing_was_heard_of_it(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    question = await newsroom.say(article, "A question?")
    window = await Window.open(pages, newsroom.link(article))
    await window.button(question, "reply").click()
    await window.page.locator('button[data-ripost="pause"]').click()
    await window.until("paused")
    await newsroom.decide(question, "reject")
    form = window.form(question)
    await window.write("My answer.", form=form)
    await expect(form.locator(".message")).to_contain_text("was removed. Your text is kept.")
    await form.get_by_role("button", name="Make it a comment of its own").click()
    await expect(window.composer.locator("textarea")).to_have_value("My answer.")


async def test_too_long_a_paste_is_cut_said_and_never_sent_short(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    window = await Window.open(pages, newsroom.link(article))
    await ready(window)
    area = window.composer.locator("textarea")
    await area.evaluate(
        """(area) => {
          area.focus();
          const data = new DataTransfer();
          data.setData('text/plain', 'word '.repeat(40_000));
          area.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
        }"""
    )
    assert len(await area.input_value()) == 100_000
    await expect(window.composer.locator(".message")).to_contain_text("the first 100,000 characters")
    await expect(window.composer.locator(".counter")).to_have_text("90,000 characters too many")
    await window.composer.locator('input[name="name"]').fill("Ada")
    await window.composer.locator("button[type=submit]").click()
    await expect(window.composer.locator(".message")).to_have_text("90,000 characters too many.")
    assert len(await area.input_value()) == 100_000
    assert await newsroom.thread(article) == []


async def test_odd_text_arrives_as_it_was_written(pages: Pages, newsroom: Newsroom, article: Json) -> None:
    odd = "👩‍👩‍👧 ﷽ Ω̷̢ \u202bשלום\u202c 1 < 2 & \\*not bold\\* <script>alert(1)</script> \u00e9 e\u0301"
    window = await Window.open(pages, newsroom.link(article))
    await window.write(odd)
    body = window.page.locator("article .body").first
    await expect(body).to_contain_text("👩‍👩‍👧 ﷽")
    await expect(body).to_contain_text("<script>alert(1)</script>")
    await expect(body).to_contain_text("*not bold*")
    await expect(body.locator("em, script")).to_have_count(0)


async def test_a_sign_in_while_the_cursor_is_in_the_form_is_seen_there(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    window = await Window.open(pages, newsroom.link(article))
    await window.page.locator("ripost-thread").evaluate(
        """(one, token) => {
          one.setAttribute('token', token);
          queueMicrotask(() => one.shadowRoot.querySelector('textarea').focus());
        }""",
        newsroom.token,
    )
    await expect(window.composer).to_contain_text("Posting as Mo Derator")
    await expect(window.composer.locator("textarea")).to_be_focused()


async def test_a_moderator_who_is_known_late_is_seen_in_the_form(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    window = Window(await pages("about:blank"))
    known = json.dumps([{"id": 0, "name": "Mo Derator", "token": newsroom.token}])
    await window.page.add_init_script(
        f"localStorage.setItem(`ripost:${{location.origin}}:identities`, {json.dumps(known)})"
    )
    answer = asyncio.Event()

    async def late(route: Route) -> None:
        await answer.wait()
        await route.continue_()

    await window.page.route(re.compile(r"/thread\?"), late)
    await window.page.goto(newsroom.link(article))
    await window.until("live")
    await window.composer.locator("textarea").click()
    await expect(window.composer.get_by_role("toolbar")).to_be_visible()
    await expect(window.composer).not_to_contain_text("Posting as")
    answer.set()
    await expect(window.composer).to_contain_text("Posting as Mo Derator")
    await expect(window.composer.locator("input[name=name]")).to_be_hidden()


async def test_a_sign_in_that_expired_while_writing_costs_nothing(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    window = await Window.open(pages, newsroom.link(article))
    await window.page.locator("ripost-thread").evaluate(
        "(one, token) => one.setAttribute('token', token)", newsroom.token
    )
    await window.composer.locator("textarea").click()
    await expect(window.composer).to_contain_text("Posting as Mo Derator")
    await window.page.route(
        POST,
        lambda route: route.fulfill(
            status=401, content_type="application/problem+json", body='{"title": "Unauthorized", "status": 401}'
        ),
        times=1,
    )
    await window.write("Written by a member.", None)
    await expect(window.composer.locator(".message")).to_contain_text("Your sign-in has expired. Your text is kept")
    await expect(window.composer.locator("textarea")).to_have_value("Written by a member.")
    await expect(window.composer.locator('input[name="name"]')).to_be_focused()
    await window.write("Written by a member.", "Mona")
    await expect(window.saying("Written by a member.").locator("> .entry .author")).to_have_text("Mona")


async def test_an_answer_whose_question_was_removed_is_kept_through_a_reload(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    question = await newsroom.say(article, "A question?")
    await newsroom.say(article, "Another.")
    window = await Window.open(pages, newsroom.link(article))
    await window.button(question, "reply").click()
    await window.form(question).locator("textarea").fill("My long answer")
    await newsroom.decide(question, "reject")
    await expect(window.form(question).locator(".message")).to_contain_text("removed")
    await window.page.reload()
    await window.until("live")
    await expect(window.composer.locator("textarea")).to_have_value("My long answer")
    await expect(window.composer.locator(".message")).to_contain_text("was removed. Your text is kept.")
    await window.write("My long answer", "Ada")
    await expect(window.saying("My long answer")).to_have_count(1)
    assert await said(newsroom, article, "My long answer") == 1


async def test_words_of_a_discussion_that_was_closed_outlive_a_reload_and_can_be_sent_when_it_opens(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    await newsroom.say(article, "Here before.")
    window = await Window.open(pages, newsroom.link(article))
    area = window.composer.locator("textarea")
    await area.press_sequentially("My long comment")
    await newsroom.change(article, state="closed")
    await expect(window.composer.locator(".message")).to_contain_text("was closed while you were writing")
    await window.page.reload()
    await window.until("live")
    await expect(area).to_have_value("My long comment")
    await expect(window.composer.locator(".message")).to_contain_text("Your text is kept here.")
    await expect(window.composer.locator("[type=submit]")).to_be_disabled()
    await newsroom.change(article, state="open")
    await expect(window.composer.locator("[type=submit]")).to_be_enabled()
    await window.write("My long comment", "Ada")
    await expect(window.saying("My long comment")).to_have_count(1)


async def test_an_answer_in_a_folded_branch_opens_it_and_names_every_form(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    question = await newsroom.say(article, "A question?")
    below = await newsroom.say(article, "An answer.", "Bo", under=question)
    window = await Window.open(pages, newsroom.link(article))
    await window.button(question, "reply").click()
    await window.comment(question).locator("> .fold").click()
    await expect(window.comment(below)).to_be_hidden()
    await window.write("Mine", "Ada", form=window.form(question))
    await expect(window.saying("Mine")).to_be_visible()
    await expect(window.comment(below)).to_be_visible()
    await expect(window.composer.locator("input[name=name]")).to_have_value("Ada")
    await window.comment(question).locator("> .fold").click()
    more = await newsroom.say(article, "More.", "Bo", under=question)
    await window.button(question, "new-replies").click()
    await expect(window.comment(more)).to_be_visible()


async def test_what_is_written_in_another_window_opens_with_the_next_page_and_ends_with_no_other_window(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    question, other = await newsroom.say(article, "A question?"), await newsroom.say(article, "Another.")
    first = await Window.open(pages, newsroom.link(article))
    second = Window(await first.page.context.new_page())
    await second.page.goto(newsroom.link(article))
    await second.until("live")
    await first.button(question, "reply").click()
    await first.form(question).locator("textarea").fill("Half an answer.")
    await kept(second, "Half an answer.")
    await second.button(other, "reply").click()
    await expect(second.form(other).get_by_role("toolbar")).to_be_visible()
    await expect(second.form(question)).to_have_count(0)
    await second.button(question, "reply").click()
    await expect(second.form(question).locator("textarea")).to_have_value("Half an answer.")
    await second.form(question).get_by_role("button", name="Cancel").click()
    await expect(second.form(question)).to_have_count(0)
    for window in (first, second):
        await expect(first.form(question).locator("textarea")).to_have_value("Half an answer.")
        await again(window)
    await expect(second.form(question).locator("textarea")).to_have_value("Half an answer.")
