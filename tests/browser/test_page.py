"""GraphiQL in a real browser: signing in and out, running, following live, keyboard, narrow windows, accessibility."""

import pytest
from playwright.async_api import expect

from tests.browser.shop import NAME, WORKSPACE
from tests.node import CLIENTS
from tests.wire.caller import PASSWORD, RECEIVE, Caller

REFRESH = """mutation ($token: String!) {
  tokenRefresh(input: {refreshToken: $token}) { accessToken refreshToken } }"""
# Tabs are written down half a second after the last key; and the page's policy lets no tool evaluate in a loop.
REMEMBERED = """async text => {
  while (!localStorage.getItem("graphiql:tabState")?.includes(text)) await new Promise(requestAnimationFrame)
}"""
NARROW = {"width": 400, "height": 800}
TABS_MAX = 60
AXE = CLIENTS / "node_modules/axe-core/axe.min.js"


async def test_a_wrong_password_is_told_in_the_words_of_the_server(workbench):
    await workbench.open()
    answer = await Caller(workbench.shop.web).post(
        'mutation ($u: String!) { login(input: {username: $u, password: "wrong"}) { userErrors { message } } }',
        {"u": workbench.shop.username},
    )
    await workbench.try_password("wrong")
    await expect(workbench.refusal).to_have_text(answer.json()["data"]["login"]["userErrors"][0]["message"])
    await expect(workbench.page.get_by_role("banner")).to_have_count(0)


async def test_who_signs_in_sees_name_and_workspace_and_the_browser_keeps_no_token(workbench):
    await workbench.sign_in()
    await expect(workbench.page.get_by_role("banner")).to_contain_text(WORKSPACE)
    await workbench.take("Who am I")
    await workbench.run()
    await expect(workbench.answer).to_contain_text(NAME)
    kept = await workbench.page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])")
    assert "eyJ" not in kept
    await workbench.page.reload()
    await expect(workbench.page.get_by_label("Username or e-mail")).to_be_visible()


async def test_a_query_of_the_gallery_runs_with_what_the_viewer_has(workbench):
    await workbench.sign_in()
    await workbench.take("A chat window")
    await expect(workbench.page.locator(".graphiql-editor-tool")).to_contain_text(workbench.shop.chat_id)
    await workbench.run()
    await expect(workbench.answer).to_contain_text("Tomás Herrera")


async def test_what_an_operation_would_cost_is_told_before_it_is_run(workbench):
    await workbench.sign_in()
    cost = workbench.page.locator(".cost")
    await expect(cost).to_contain_text("This would cost 3.")
    await workbench.take("A chat window")
    await expect(cost).not_to_contain_text("This would cost 3.")
    await expect(cost).to_contain_text("This would cost")
    told = await cost.get_attribute("title")
    await workbench.run()
    await expect(workbench.answer).to_contain_text("Tomás Herrera")
    await expect(cost).to_have_attribute("title", told)
    await expect(cost).to_have_attribute("data-fits", "true")


async def test_how_an_operation_was_executed_is_shown_to_who_looks_at_its_plan(workbench):
    asked = []
    workbench.page.on("request", lambda request: asked.append(request.headers.get("x-plan")))
    await workbench.sign_in()
    await workbench.take("A chat window")
    await workbench.run()
    await expect(workbench.answer).to_contain_text("Tomás Herrera")
    assert asked.count("1") == 0
    await workbench.page.get_by_role("button", name="Show Plan").click()
    plan = workbench.page.get_by_role("region", name="Plan")
    await expect(plan).to_contain_text("Run an operation")
    await workbench.page.locator(".graphiql-execute-button").click()
    await expect(plan.get_by_role("status")).to_contain_text("Executed by its compiled plan.")
    assert asked.count("1") == 1
    statements = plan.get_by_role("listitem")
    await expect(statements.first).to_be_visible()
    await statements.first.locator("summary").click()
    await expect(statements.first.locator("pre")).to_contain_text("SELECT")
    # The answer stays as it is without being asked for the plan.
    await expect(workbench.answer).to_contain_text("Tomás Herrera")
    await expect(workbench.answer).not_to_contain_text("SELECT")


async def test_who_is_looked_for_by_email_has_one(workbench):
    shop = workbench.shop
    who = {"channelId": shop.channel_id, "platformCustomerId": "stranger", "platformMessageId": "stranger-1"}
    await shop.ask(RECEIVE, input={**who, "content": "Hi, do you gift-wrap?"})
    await workbench.sign_in()
    await workbench.take("The same person elsewhere")
    await workbench.run()
    await expect(workbench.answer).to_contain_text("displayName")


async def test_what_the_server_refuses_is_shown_as_it_is(workbench):
    await workbench.open()
    await workbench.page.get_by_role("button", name="Look around").click()
    await expect(workbench.page.get_by_role("banner")).to_contain_text("not signed in")
    await workbench.take("The newest chats")
    await workbench.run()
    await expect(workbench.answer).to_contain_text("UNAUTHENTICATED")


async def test_a_chat_is_followed_live_while_another_client_sends(workbench):
    await workbench.sign_in()
    await workbench.take("Follow a chat live")
    async with workbench.page.expect_websocket():
        await workbench.run()
    for content in ("A courier comes on Tuesday.", "And it is free of charge."):
        await workbench.shop.send(workbench.shop.chat_id, content)
        await expect(workbench.answer).to_contain_text(content)


async def test_a_new_tab_ends_what_is_followed_and_runs_at_once(workbench):
    page, shop = workbench.page, workbench.shop
    await workbench.sign_in()
    await workbench.take("Follow a chat live")
    await follow(workbench, "A courier comes on Tuesday.")
    await workbench.take("Send a message")
    await workbench.run()
    await expect(workbench.answer).to_contain_text("messageSend")
    await page.locator(".graphiql-tab-button", has_text="FollowChat").click()
    await page.locator(".graphiql-query-editor .view-lines").click()
    await follow(workbench, "On Wednesday.")
    await page.get_by_role("button", name="New tab").click()
    await shop.send(shop.chat_id, "Or on Thursday.")
    await write(page, "operation.graphql", "{ viewer { workspace { name } } }")
    await page.locator(".graphiql-query-editor .view-lines").click()
    await workbench.run()
    await expect(workbench.answer).to_contain_text(WORKSPACE)


async def test_who_signs_out_is_signed_out_at_the_server_as_well(workbench):
    page = workbench.page
    async with page.expect_response(lambda answer: "login(" in (answer.request.post_data or "")) as login:
        await workbench.sign_in()
    token = (await (await login.value).json())["data"]["login"]["refreshToken"]
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("Username or e-mail")).to_be_visible()
    await expect(page.get_by_text(NAME)).to_have_count(0)
    answer = await Caller(workbench.shop.web).post(REFRESH, {"token": token})
    assert answer.json()["data"]["tokenRefresh"]["accessToken"] is None


async def test_a_token_is_renewed_before_it_expires(workbench):
    await workbench.page.clock.install()
    await workbench.sign_in()
    async with workbench.page.expect_request(
        lambda request: "tokenRefresh" in (request.post_data or "")
    ) as renewal:
        await workbench.page.clock.fast_forward("09:30")
    answer = await (await renewal.value).response()
    renewed = (await answer.json())["data"]["tokenRefresh"]["accessToken"]
    await workbench.take("Who am I")
    async with workbench.page.expect_request(lambda request: "WhoAmI" in (request.post_data or "")) as asked:
        await workbench.run()
    assert (await asked.value).headers["authorization"] == f"Bearer {renewed}"


async def test_a_session_that_the_server_has_ended_asks_to_sign_in_again_and_says_why(workbench):
    page = workbench.page
    await page.clock.install()
    async with page.expect_response(lambda answer: "login(" in (answer.request.post_data or "")) as login:
        await workbench.sign_in()
    token = (await (await login.value).json())["data"]["login"]["refreshToken"]
    # Now the page has one that is spent, and so is what came after it.
    for _ in range(2):
        answer = await Caller(workbench.shop.web).post(REFRESH, {"token": token})
        token = answer.json()["data"]["tokenRefresh"]["refreshToken"]
    await page.clock.fast_forward("09:30")
    await expect(page.get_by_label("Username or e-mail")).to_be_visible()
    await expect(workbench.refusal).not_to_be_empty()


async def test_everything_is_reached_by_keyboard_and_focus_is_seen(workbench):
    await workbench.open()
    keyboard = workbench.page.keyboard
    await keyboard.type(workbench.shop.username)
    await keyboard.press("Tab")
    await keyboard.type(PASSWORD)
    await keyboard.press("Enter")
    await expect(workbench.page.get_by_role("banner")).to_contain_text(NAME)
    await expect(workbench.page.locator(".graphiql-query-editor .view-lines")).to_be_visible()
    await workbench.page.get_by_role("button", name="Sign out").focus()
    seen: list[str] = []
    while not (seen and seen[-1].startswith("Who am I")):
        assert len(seen) < TABS_MAX, seen
        await keyboard.press("Tab")
        focused = workbench.page.locator(":focus")
        assert await focused.evaluate("element => getComputedStyle(element).outlineStyle") != "none"
        seen.append(await focused.evaluate("element => element.ariaLabel || element.textContent"))
    assert {"Show Documentation Explorer", "Hide Gallery", "Show GraphiQL Explorer", "Show History"} <= set(
        seen
    )
    await keyboard.press("Enter")
    await expect(workbench.page.get_by_role("status").first).to_contain_text("Who am I")
    await workbench.run()
    await expect(workbench.answer).to_contain_text(NAME)


async def test_the_browser_remembers_history_but_no_password_and_no_header(workbench):
    page = workbench.page
    await workbench.sign_in()
    await workbench.take("Sign in by hand")
    await write(page, "variables.json", '{"username": "ana", "password": "hunter2"}')
    await workbench.run()
    await expect(workbench.answer).to_contain_text("INVALID_CREDENTIALS")
    await workbench.take("The newest chats")
    await write(page, "request-headers.json", '{"x-note": "hunter3"}')
    await workbench.run()
    await expect(workbench.answer).to_contain_text("Tomás Herrera")
    await page.evaluate(REMEMBERED, "NewestChats")
    assert "NewestChats" in await page.evaluate("localStorage.getItem('graphiql:queries')")
    kept = await page.evaluate("JSON.stringify(localStorage)")
    assert "hunter" not in kept


async def test_documentation_says_what_a_field_needs_and_explorer_and_history_open(workbench):
    page = workbench.page
    await workbench.sign_in()
    await workbench.take("Who am I")
    await workbench.run()
    await expect(workbench.answer).to_contain_text(NAME)
    pane = page.locator(".graphiql-plugin")
    await page.get_by_role("button", name="Show Documentation Explorer").click()
    await pane.get_by_role("link", name="Mutation", exact=True).click()
    await expect(pane).to_contain_text("Needs MESSAGES_SEND")
    await page.get_by_role("button", name="Show GraphiQL Explorer").click()
    await expect(pane).to_contain_text("permissions")
    await page.get_by_role("button", name="Show History").click()
    await expect(pane).to_contain_text("WhoAmI")


async def test_a_narrow_window_shows_everything_without_scrolling_sideways(workbench):
    await workbench.page.set_viewport_size(NARROW)
    await workbench.open()
    assert await sideways(workbench.page) == 0
    await workbench.sign_in()
    assert await sideways(workbench.page) == 0
    await workbench.take("Who am I")
    await workbench.run()
    await expect(workbench.answer).to_contain_text("viewer")
    assert await sideways(workbench.page) == 0
    lowest = 0
    for part in (
        ".graphiql-execute-button",
        ".graphiql-query-editor",
        ".graphiql-editor-tool",
        ".graphiql-response",
    ):
        box = await workbench.page.locator(part).bounding_box()
        assert box["width"] >= 24, part
        assert box["x"] >= 0, part
        assert box["x"] + box["width"] <= NARROW["width"], part
        assert box["y"] < NARROW["height"] - 100, part
        assert part == ".graphiql-query-editor" or box["y"] >= lowest, f"{part} covers what is above it"
        lowest = box["y"] + box["height"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_serious(workbench, scheme):
    await workbench.page.emulate_media(color_scheme=scheme)
    await workbench.open()
    assert await violations(workbench.page) == {}
    await workbench.sign_in()
    await workbench.take("Who am I")
    await workbench.run()
    await expect(workbench.answer).to_contain_text(NAME)
    assert await violations(workbench.page) == {}
    for pane in ("Documentation Explorer", "GraphiQL Explorer", "History"):
        await workbench.page.get_by_role("button", name=f"Show {pane}").click()
        await expect(workbench.page.get_by_role("button", name=f"Hide {pane}")).to_be_visible()
        assert await violations(workbench.page) == {}, pane


async def test_a_field_is_chosen_in_the_explorer_by_keyboard(workbench):
    page = workbench.page
    await workbench.sign_in()
    await workbench.take("Who am I")
    await page.get_by_role("button", name="Show GraphiQL Explorer").click()
    field = page.locator('.graphiql-plugin [data-field-name="plan"]')
    await expect(field).to_have_attribute("aria-pressed", "false")
    await field.press("Enter")
    await expect(field).to_have_attribute("aria-pressed", "true")
    await expect(page.locator(".graphiql-query-editor .view-lines")).to_contain_text("plan")


async def follow(workbench, content):
    """Runs the subscription in the editor until it has shown what is written next."""
    await workbench.run()
    await expect(workbench.page.get_by_role("button", name="Stop")).to_be_visible()
    await workbench.shop.send(workbench.shop.chat_id, content)
    await expect(workbench.answer).to_contain_text(content)


async def write(page, file, text):
    """Puts text into an editor, in place of what it holds."""
    editor = "__MONACO.editor.getModels().find(model => model.uri.path.endsWith(file))"
    await page.evaluate(f"([file, text]) => {editor}.setValue(text)", [file, text])


async def sideways(page):
    """By how many pixels the page is wider than its window."""
    return await page.evaluate("document.documentElement.scrollWidth - innerWidth")


async def violations(page):
    """What axe holds to be serious or critical, and where."""
    await page.evaluate(AXE.read_text())
    found = await page.evaluate("axe.run({resultTypes: ['violations']})")
    return {
        rule["id"]: [node["html"][:200] + " | " + (node["failureSummary"] or "") for node in rule["nodes"]]
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
    }
